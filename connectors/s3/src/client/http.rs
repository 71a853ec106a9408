//! The HTTP client of the SDK: hyper over [`super::stream`].

use std::error::Error;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::stream::Dial;

/// Shorter than the time after which S3 closes an idle connection itself.
const IDLE_CONNECTION: Duration = Duration::from_secs(15);

/// One pool of connections; its requests must come from one runtime, that of the task.
#[derive(Clone, Debug)]
pub(super) struct HyperClient {
    client: Client<Dial, SdkBody>,
}

impl HyperClient {
    pub(super) fn new(dial: Dial) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_timer(TokioTimer::new())
            .build(dial);
        Self { client }
    }
}

impl HttpClient for HyperClient {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for HyperClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let answer = self.client.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(connector_error)?;
            let answer = answer.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What never left, or broke on the way, may be sent again; a request that hyper refuses may not.
fn connector_error(error: hyper_util::client::legacy::Error) -> ConnectorError {
    let refused =
        error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>()).is_some_and(hyper::Error::is_user);
    if refused { ConnectorError::user(error.into()) } else { ConnectorError::io(error.into()) }
}
