//! What followers ask of their leader.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use sluice_herder::{InternalRequest, PeerError, Peers, RequestSignature};

use super::{Failure, Outgoing, RestClient};
use crate::framework::encoded_segment;

#[async_trait]
impl Peers for RestClient {
    async fn put_task_configs(
        &self,
        leader_url: &str,
        connector: &str,
        request: InternalRequest,
    ) -> Result<(), PeerError> {
        self.ask(Method::POST, leader_url, connector, "tasks", request).await
    }

    async fn fence_zombies(
        &self,
        leader_url: &str,
        connector: &str,
        request: InternalRequest,
    ) -> Result<(), PeerError> {
        self.ask(Method::PUT, leader_url, connector, "fence", request).await
    }
}

/// Reaches the other nodes of one flow of a mirror, which have several below one URL.
#[derive(Debug)]
pub struct FlowPeers {
    client: Arc<RestClient>,
    path: String,
}

impl FlowPeers {
    /// The nodes of the flow between these clusters.
    pub fn new(client: Arc<RestClient>, source: &str, target: &str) -> Self {
        Self { client, path: format!("/{}/{}", encoded_segment(source), encoded_segment(target)) }
    }

    fn below(&self, leader_url: &str) -> String {
        format!("{}{}", leader_url.trim_end_matches('/'), self.path)
    }
}

#[async_trait]
impl Peers for FlowPeers {
    async fn put_task_configs(
        &self,
        leader_url: &str,
        connector: &str,
        request: InternalRequest,
    ) -> Result<(), PeerError> {
        self.client.put_task_configs(&self.below(leader_url), connector, request).await
    }

    async fn fence_zombies(
        &self,
        leader_url: &str,
        connector: &str,
        request: InternalRequest,
    ) -> Result<(), PeerError> {
        self.client.fence_zombies(&self.below(leader_url), connector, request).await
    }
}

impl RestClient {
    async fn ask(
        &self,
        method: Method,
        leader_url: &str,
        connector: &str,
        what: &str,
        request: InternalRequest,
    ) -> Result<(), PeerError> {
        let url = format!("{}/connectors/{}/{what}", leader_url.trim_end_matches('/'), encoded_segment(connector));
        let headers = signature_headers(request.signature.as_ref());
        let request = Outgoing { method, url, headers, body: request.body };
        match self.send(request, self.request_timeout).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused { status, message, .. }) => {
                Err(PeerError::Refused { status: status.as_u16(), message: message.unwrap_or_default() })
            }
            Err(Failure::Unexpected(status)) => Err(PeerError::Io(format!("unexpected status {status}"))),
            Err(Failure::Io(reason)) => Err(PeerError::Io(reason)),
        }
    }
}

fn signature_headers(signature: Option<&RequestSignature>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(signature) = signature else { return headers };
    for (name, value) in [
        (RequestSignature::HEADER, signature.encoded()),
        (RequestSignature::ALGORITHM_HEADER, signature.algorithm().to_owned()),
    ] {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    headers
}
