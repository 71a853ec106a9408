//! The task's share of the worker's memory: the oldest buffers go to the spill folder; when that is full as well, intake pauses and
//! says why.

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use sluice_api::{SinkTaskContext, TopicPartition};
use tracing::{info, warn};

use super::partition::PartitionWriter;
use super::spill::{Refused, SpillFolder};
use super::upload::Uploader;

/// S3 takes no smaller part, except the last.
const SMALLEST_PART_BYTES: usize = 5 * 1024 * 1024;
/// How long a put waits for the store before it spills or pauses.
const WAIT: Duration = Duration::from_secs(5);
/// How often a pause says that it goes on.
const REMINDER: Duration = Duration::from_secs(60);

/// Keeps buffers within the share.
pub(super) struct Budget {
    context: SinkTaskContext,
    folder: SpillFolder,
    /// Set while intake is paused: when the log has said so last.
    paused: Option<Instant>,
}

impl Budget {
    pub(super) fn new(context: SinkTaskContext, folder: SpillFolder) -> Self {
        Self { context, folder, paused: None }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Bytes of a part: no more than an eighth of the share, so that several are on their way.
    pub(super) fn part_bytes(&self, configured: usize) -> usize {
        (self.share() / 8).clamp(SMALLEST_PART_BYTES, configured.max(SMALLEST_PART_BYTES))
    }

    fn share(&self) -> usize {
        usize::try_from(self.context.memory.bytes()).unwrap_or(usize::MAX)
    }

    /// Comes back within the share, or pauses intake.
    pub(super) async fn keep(&mut self, writers: &mut IndexMap<TopicPartition, PartitionWriter>, uploader: &Uploader) {
        let share = self.share();
        let held = |writers: &IndexMap<TopicPartition, PartitionWriter>| buffered(writers) + uploader.in_flight_bytes();
        // What is on its way takes half of the share at most, the rest is for open objects.
        if held(writers) > share || uploader.in_flight_bytes() > share / 2 {
            wait_for_store(uploader, share / 4).await;
        }
        let mut refused = None;
        if held(writers) > share {
            let excess = held(writers) - share / 4 * 3;
            refused = self.spill(writers, excess).err();
        }
        if held(writers) > share && self.paused.is_none_or(|since| since.elapsed() >= REMINDER) {
            self.pause(writers, refused.as_ref(), uploader.in_flight_bytes(), share);
        } else if self.paused.is_some() && held(writers) <= share / 4 * 3 {
            self.resume(writers);
        }
    }

    /// Spills at least `excess` bytes, of the objects first that were written to least recently.
    fn spill(
        &mut self,
        writers: &mut IndexMap<TopicPartition, PartitionWriter>,
        excess: usize,
    ) -> std::result::Result<(), Refused> {
        let mut files: Vec<_> = writers.values_mut().flat_map(PartitionWriter::files_mut).collect();
        files.sort_by_key(|file| file.last_put);
        let mut spilled = 0;
        for file in files {
            if spilled >= excess {
                break;
            }
            let bytes = file.spillable_bytes();
            if bytes > 0 {
                file.spill(&mut self.folder)?;
                spilled += bytes;
            }
        }
        Ok(())
    }

    fn pause(
        &mut self,
        writers: &IndexMap<TopicPartition, PartitionWriter>,
        refused: Option<&Refused>,
        in_flight: usize,
        share: usize,
    ) {
        let (connector, task) = (&*self.context.connector, self.context.task);
        let state = if refused.is_some() { "PAUSED_BY_FULL_SPILL_FOLDER" } else { "PAUSED_BY_SLOW_STORE" };
        let cure = match refused {
            Some(Refused::Full) => {
                "raise `sluice.spill.max.bytes`, or complete objects sooner (`flush.size`, `sluice.rotate.size.bytes`)"
                    .to_owned()
            }
            Some(Refused::Io(error)) => format!("make room in `sluice.spill.dir`, or name another folder: {error}"),
            None => {
                "the store takes objects more slowly than records come; raise `sluice.memory.budget` for more at a time"
                    .to_owned()
            }
        };
        warn!(
            connector,
            task,
            state,
            share_bytes = share,
            in_flight_bytes = in_flight,
            cure,
            "memory is used up: intake pauses"
        );
        self.context.notice(Some(format!(
            "{state}: memory is used up and no more can be spilled, intake pauses until objects are written. To do: {cure}"
        )));
        self.paused = Some(Instant::now());
        for partition in writers.keys() {
            self.context.pause(partition.clone());
        }
    }

    fn resume(&mut self, writers: &IndexMap<TopicPartition, PartitionWriter>) {
        info!(connector = &*self.context.connector, task = self.context.task, "there is room again: intake goes on");
        self.paused = None;
        self.context.notice(None);
        for partition in writers.keys() {
            self.context.resume(partition.clone());
        }
    }
}

/// Bytes of memory in open objects.
fn buffered(writers: &IndexMap<TopicPartition, PartitionWriter>) -> usize {
    writers.values().flat_map(PartitionWriter::files).map(|file| file.held_bytes()).sum()
}

/// Lets what is on its way become at most `bytes`, for a while.
async fn wait_for_store(uploader: &Uploader, bytes: usize) {
    let wait = async {
        while uploader.in_flight_bytes() > bytes {
            uploader.less_in_flight().await;
        }
    };
    // Late is not lost: then the folder, or the pause.
    if tokio::time::timeout(WAIT, wait).await.is_err() {
        tracing::debug!("the store is slow");
    }
}
