//! A broker with a fault proxy before each of some listeners: who comes through one is led back through the same.

use anyhow::Result;

use super::broker::{Kafka, Listener};
use crate::proxy::Proxy;
use crate::scratch::free_port;

impl Kafka {
    /// A broker of the caller's own and `count` ways into it, besides the direct one. A client that bootstraps from a proxy's address
    /// reaches the broker through that proxy alone.
    pub fn start_behind_proxies(count: usize, overrides: &[(&str, &str)]) -> Result<(Kafka, Vec<Proxy>)> {
        let names: Vec<String> = (0..count).map(|number| format!("PROXIED{number}")).collect();
        let (mut listeners, mut proxies) = (Vec::new(), Vec::new());
        for name in &names {
            let port = free_port()?;
            let proxy = Proxy::start(port)?;
            listeners.push(Listener { name, protocol: "PLAINTEXT", port, advertised_port: proxy.port() });
            proxies.push(proxy);
        }
        Ok((Kafka::start_listening(&listeners, overrides, &[])?, proxies))
    }
}
