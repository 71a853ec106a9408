//! What a consumer reads: the partitions it holds, where it goes on in them, and which it leaves alone for now.

use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::topic_partition_list::Offset;

use super::client::Consumer;
use super::offsets;
use super::record::TopicPartition;
use crate::error::Error;
use crate::fetch::Start;

impl Consumer {
    /// Takes over these partitions at these offsets, as [`position`](Self::position) tells them: the answer to
    /// [`RebalanceEvent::Assigned`], or a manual assignment. Replaces the assignment (with a cooperative assignor: adds to it).
    ///
    /// # Errors
    /// The client is closed, its state is broken for good, or there is no runtime around the call.
    pub fn assign_from(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), Error> {
        self.take(offsets.iter().map(|(tp, offset)| (tp.clone(), Start::At(*offset))))
    }

    /// As [`assign_from`](Self::assign_from), starting at the beginning of every partition.
    ///
    /// # Errors
    /// As there.
    pub fn assign_from_beginning(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.take(partitions.iter().map(|tp| (tp.clone(), Start::Earliest)))
    }

    /// Gives these partitions back: the answer to [`RebalanceEvent::Revoked`] and [`RebalanceEvent::Lost`]. With an
    /// eager assignor (the default) everything is given back, whatever the list says.
    ///
    /// # Errors
    /// As [`assign_from`](Self::assign_from).
    pub fn unassign(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        let given_back = match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => {
                self.fetcher.revoke(partitions);
                self.client.incremental_unassign(&offsets::list(partitions, Offset::Invalid)?)
            }
            _ => {
                self.fetcher.clear();
                self.client.unassign()
            }
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

    /// Goes on at these offsets: no record from before the call comes out of a later poll.
    ///
    /// # Errors
    /// A partition that is not assigned; those before it are sent there.
    pub fn seek(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), Error> {
        offsets.iter().try_for_each(|(tp, offset)| self.fetcher.seek(tp, *offset))
    }

    /// Stops fetching and handing out records of these partitions; the group membership goes on as long as polls do.
    ///
    /// # Errors
    /// A partition that is not assigned.
    pub fn pause(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.fetcher.set_paused(partitions, true)
    }

    /// Goes on with partitions that were paused.
    ///
    /// # Errors
    /// A partition that is not assigned.
    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<(), Error> {
        self.fetcher.set_paused(partitions, false)
    }

    fn take(&self, starts: impl Iterator<Item = (TopicPartition, Start)>) -> Result<(), Error> {
        let starts: Vec<_> = starts.collect();
        let list: Vec<_> = starts.iter().map(|(tp, _)| tp.clone()).collect();
        // The offset means nothing to a client that does not fetch, but without one it would ask for the committed ones.
        let list = offsets::list(&list, Offset::Beginning)?;
        let assigned = match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.client.incremental_assign(&list),
            _ => {
                self.fetcher.clear();
                self.client.assign(&list)
            }
        };
        assigned.map_err(|error| Error::from_client("taking over partitions", &error))?;
        self.client.pause(&list).map_err(|error| Error::from_client("taking over partitions", &error))?;
        self.fetcher.assign(starts)
    }
}
