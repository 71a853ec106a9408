//! Which server this is: its system identifier, its timeline, and where that left the one before.

use super::slot::parse_lsn;
use crate::client::{Connection, Result};

/// What a server says of itself to a replication session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct System {
    /// The same for a server and its standbys.
    pub(crate) id: String,
    /// One more with each promotion or recovery to a point in time.
    pub(crate) timeline: i64,
    /// The timelines that this one comes from, each with the position at which it was left.
    pub(crate) history: Vec<(i64, u64)>,
}

impl System {
    /// Asks on a replication connection.
    pub(crate) async fn read(connection: &mut Connection) -> Result<Self> {
        let rows = connection.query("IDENTIFY_SYSTEM").await?;
        let row = rows.first().cloned().unwrap_or_default();
        let timeline = row.number(1).unwrap_or(0);
        // The first timeline has no history file.
        let history = match timeline {
            2.. => connection.query(&format!("TIMELINE_HISTORY {timeline}")).await?,
            _ => Vec::new(),
        };
        let history = history.first().and_then(|row| row.text(1)).map(parse_history).unwrap_or_default();
        Ok(Self { id: row.text_or_empty(0).to_owned(), timeline, history })
    }

    /// Where `timeline` was left on the way to this one; `None` when this one does not come from it.
    pub(crate) fn left_at(&self, timeline: i64) -> Option<u64> {
        self.history.iter().find(|(one, _)| *one == timeline).map(|(_, lsn)| *lsn)
    }
}

/// Lines of `timeline, position, reason`.
fn parse_history(text: &str) -> Vec<(i64, u64)> {
    let line = |line: &str| {
        let mut parts = line.split_whitespace();
        Some((parts.next()?.parse().ok()?, parse_lsn(parts.next()?)?))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_says_where_timelines_were_left() {
        let history = parse_history("1\t0/3000148\tno recovery target specified\n\n2\t1/5\tbefore 2024-01-01\n");
        assert_eq!(history, [(1, 0x300_0148), (2, 0x1_0000_0005)]);
        let system = System { id: "7".into(), timeline: 3, history };
        assert_eq!((system.left_at(2), system.left_at(3)), (Some(0x1_0000_0005), None));
    }
}
