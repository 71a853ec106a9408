//! What a consumer reads: the partitions it holds, where it goes on in them, and which it leaves alone for now.

use std::time::{Duration, Instant};

use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::Consumer;
use super::offsets;
use super::record::TopicPartition;
use crate::error::{Error, ErrorKind};

/// The pause between two tries of a seek that came before the partition's fetcher was ready.
const SEEK_PAUSE: Duration = Duration::from_millis(5);

impl Consumer {
    /// Takes over these partitions, at the committed offsets, else where `auto.offset.reset` says: the answer to
    /// [`RebalanceEvent::Assigned`], or a manual assignment. Replaces the assignment (with a cooperative assignor: adds
    /// to it).
    ///
    /// # Errors
    /// The client is closed, or its state is broken for good.
    pub fn assign(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.assign_list(&offsets::list(partitions, Offset::Invalid)?)
    }

    /// As [`assign`](Self::assign), starting at these offsets.
    ///
    /// # Errors
    /// As there.
    pub fn assign_from(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), Error> {
        self.assign_list(&offsets::list_with_offsets(offsets)?)
    }

    /// As [`assign`](Self::assign), starting at the beginning of every partition.
    ///
    /// # Errors
    /// As there.
    pub fn assign_from_beginning(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.assign_list(&offsets::list(partitions, Offset::Beginning)?)
    }

    /// Gives these partitions back: the answer to [`RebalanceEvent::Revoked`] and [`RebalanceEvent::Lost`]. With an
    /// eager assignor (the default) everything is given back, whatever the list says.
    ///
    /// # Errors
    /// As [`assign`](Self::assign).
    pub fn unassign(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let given_back = match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => {
                self.client.incremental_unassign(&offsets::list(partitions, Offset::Invalid)?)
            }
            _ => self.client.unassign(),
        };
        given_back.map_err(|error| Error::from_client("giving partitions back", &error))
    }

    /// The partitions this consumer has now.
    ///
    /// # Errors
    /// The client is closed.
    pub fn assignment(&self) -> Result<Vec<TopicPartition>, Error> {
        let list = self.client.assignment().map_err(|error| Error::from_client("reading the assignment", &error))?;
        Ok(offsets::partitions(&list))
    }

    /// Goes on at these offsets: no record from before the call comes out of a later poll. Waits for a partition that
    /// was assigned just now.
    ///
    /// # Errors
    /// A partition that is not assigned, or whose start offset is not known in time.
    pub async fn seek(&self, offsets: &[(TopicPartition, i64)], timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        for (tp, offset) in offsets {
            loop {
                match self.seek_one(tp, *offset, timeout) {
                    Err(error) if error.kind() == ErrorKind::Unavailable && Instant::now() < deadline => {
                        tokio::time::sleep(SEEK_PAUSE).await;
                    }
                    done => break done?,
                }
            }
        }
        Ok(())
    }

    /// Stops fetching and handing out records of these partitions; the group membership goes on as long as polls do.
    ///
    /// # Errors
    /// A partition that is not assigned.
    pub fn pause(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let list = offsets::list(partitions, Offset::Invalid)?;
        self.client.pause(&list).map_err(|error| Error::from_client("pausing", &error))?;
        offsets::check(&list, "pausing")
    }

    /// Goes on with partitions that were paused.
    ///
    /// # Errors
    /// A partition that is not assigned.
    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let list = offsets::list(partitions, Offset::Invalid)?;
        self.client.resume(&list).map_err(|error| Error::from_client("resuming", &error))?;
        offsets::check(&list, "resuming")
    }

    fn assign_list(&self, list: &TopicPartitionList) -> Result<(), Error> {
        let assigned = match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.client.incremental_assign(list),
            _ => self.client.assign(list),
        };
        assigned.map_err(|error| Error::from_client("taking over partitions", &error))
    }

    fn seek_one(&self, tp: &TopicPartition, offset: i64, timeout: Duration) -> Result<(), Error> {
        let action = || format!("seeking {tp} to offset {offset}");
        let list = offsets::list_with_offsets(&[(tp.clone(), offset)])?;
        let answer =
            self.client.seek_partitions(list, timeout).map_err(|error| Error::from_client(&action(), &error))?;
        offsets::check(&answer, "seeking")
    }
}
