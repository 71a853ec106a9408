//! One file per resource: parse, call the herder, map the answer.

mod connector;
mod connectors;
mod loggers;
mod offsets;
mod plugins;
mod root;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use sluice_herder::Herder;

use crate::answer::unmatched;
use crate::framework::json_only;

/// What resources have.
pub(crate) type Shared = Arc<dyn Herder>;

/// The resources of the main listeners, admin resources included when they have no listeners of their own.
pub(crate) fn main_router(herder: Shared, with_admin: bool) -> Router {
    let routes = root::routes().merge(connectors::routes()).merge(connector::routes()).merge(offsets::routes());
    let routes = routes.merge(plugins::routes());
    let routes = if with_admin { routes.merge(loggers::routes()) } else { routes };
    let plain = if with_admin { root::plain_routes().merge(root::admin_routes()) } else { root::plain_routes() };
    guarded(routes.route_layer(from_fn(json_only)).merge(plain), herder)
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
