//! The id of the Kafka cluster, asked for beside everything else.

use std::time::Duration;

use sluice_kafka::{Admin, ErrorKind, Properties};
use tokio::sync::watch;
use tracing::warn;

const ATTEMPT: Duration = Duration::from_secs(30);
const NOTICE_INTERVAL: Duration = Duration::from_secs(60);

/// Asks until a broker answers, and says once a minute when none does.
pub(crate) fn follow(properties: &Properties) -> anyhow::Result<watch::Receiver<Option<String>>> {
    let admin = Admin::new(properties)?;
    let (found_tx, found) = watch::channel(None);
    tokio::spawn(async move {
        let mut last_notice: Option<tokio::time::Instant> = None;
        loop {
            match admin.cluster_id(ATTEMPT).await {
                Ok(id) => {
                    found_tx.send_replace(Some(id));
                    return;
                }
                Err(error) => {
                    if last_notice.is_none_or(|at| at.elapsed() >= NOTICE_INTERVAL) {
                        warn!(bootstrap = admin.bootstrap(), %error, "Kafka cannot be reached; trying again");
                        last_notice = Some(tokio::time::Instant::now());
                    }
                    // Wrong credentials do not mend themselves, and each try counts where accounts are locked.
                    let refused = error.kind() == ErrorKind::Authentication;
                    tokio::time::sleep(if refused { NOTICE_INTERVAL } else { Duration::from_secs(1) }).await;
                }
            }
        }
    });
    Ok(found)
}
