//! One file per resource: parse, call the herder, map the answer.

mod connector;
mod connectors;
mod internal;
mod loggers;
mod offsets;
mod plugins;
mod root;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use sluice_herder::Herder;

use crate::answer::{error, unmatched};
use crate::client::RestClient;
use crate::forwarding::forward;
use crate::framework::{encoded_segment, json_only};

/// What resources have.
pub(crate) type Shared = Arc<dyn Herder>;

/// The resources of the main listeners, admin resources included when they have no listeners of their own. With a client, requests
/// for other workers are forwarded.
pub(crate) fn main_router(herder: Shared, client: Option<&Arc<RestClient>>, with_admin: bool) -> Router {
    let forwarded = |routes: Router<Shared>| match client {
        Some(client) => routes.route_layer(from_fn_with_state(client.clone(), forward)),
        None => routes,
    };
    let cluster = forwarded(connectors::routes().merge(connector::routes()).merge(offsets::routes()));
    let routes = root::routes().merge(cluster).merge(plugins::routes());
    let routes = if with_admin { routes.merge(loggers::routes()) } else { routes };
    let plain = if with_admin { root::plain_routes().merge(root::admin_routes()) } else { root::plain_routes() };
    let routes = routes.route_layer(from_fn(json_only)).merge(forwarded(internal::routes()));
    guarded(routes.merge(plain), herder)
}

/// What the nodes of a mirror ask of one another, below `/SOURCE/TARGET` of each flow; nothing else.
pub(crate) fn flows_router(flows: Vec<((String, String), Shared)>) -> Router {
    let unknown = |Path((source, target, ..)): Path<(String, String, String, String)>| async move {
        let message = format!("No replication flow found for source '{source}' and target '{target}'");
        error(StatusCode::NOT_FOUND, &message)
    };
    let mut router = Router::new().route("/{source}/{target}/connectors/{connector}/{what}", any(unknown));
    for ((source, target), herder) in flows {
        let path = format!("/{}/{}", encoded_segment(&source), encoded_segment(&target));
        router = router.nest(&path, internal::routes().with_state(herder));
    }
    router
        .fallback(|| async { unmatched(StatusCode::NOT_FOUND) })
        .method_not_allowed_fallback(|| async { unmatched(StatusCode::METHOD_NOT_ALLOWED) })
}

/// The resources of the admin listeners.
pub(crate) fn admin_router(herder: Shared) -> Router {
    guarded(loggers::routes().route_layer(from_fn(json_only)).merge(root::admin_routes()), herder)
}

fn guarded(routes: Router<Shared>, herder: Shared) -> Router {
    routes
        .fallback(|| async { unmatched(StatusCode::NOT_FOUND) })
        .method_not_allowed_fallback(|| async { unmatched(StatusCode::METHOD_NOT_ALLOWED) })
        .with_state(herder)
}

/// Reads a body as the resources do that have a form of their own for it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn parse_any(bytes: &[u8]) {
    drop((connectors::parse(bytes), offsets::parse(bytes), internal::parse(bytes)));
}
