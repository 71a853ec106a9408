//! The source task: files that have something new take turns, a chunk each.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use sluice_api::connector::CommittedRecord;
use sluice_api::{ConnectError, Properties, Result, SourceRecord, SourceTask, SourceTaskContext};
use tokio::time::Instant;
use tracing::{info, warn};

use super::chunk::Splitter;
use super::config::{Cleanup, FollowConfig};
use super::discovery::{Discovery, Found};
use super::follower::{FileId, Follower, Names, Stored};
use super::input::{After, Input};
use super::taker::Taker;

/// How long a poll waits before it returns without records, so that callbacks come in time.
const POLL_WAIT: Duration = Duration::from_millis(500);
/// How often files are looked at that may be over.
const SWEEP: Duration = Duration::from_millis(200);
const MIN_CHUNK_BYTES: u64 = 16 * 1024;
const MAX_CHUNK_BYTES: u64 = 256 * 1024;

/// A task that follows its share of the files.
#[derive(Default)]
pub(super) struct FollowTask {
    following: Option<Following>,
}

struct Following {
    config: FollowConfig,
    context: SourceTaskContext,
    discovery: Discovery,
    followers: HashMap<FileId, Follower>,
    by_path: HashMap<PathBuf, FileId>,
    /// Files that may have something new, each once.
    ready: VecDeque<FileId>,
    waiting: HashSet<FileId>,
    /// Files by the tokens of their records.
    slots: Vec<FileId>,
    /// How many files are open.
    open: usize,
    next_scan: Instant,
    next_sweep: Instant,
    first_scan: bool,
    names: Names,
}

#[async_trait(?Send)]
impl SourceTask for FollowTask {
    async fn start(&mut self, context: SourceTaskContext, config: &Properties) -> Result<()> {
        let config = FollowConfig::parse(config)?;
        if let Cleanup::Move(folder) = &config.cleanup
            && !folder.is_dir()
        {
            return Err(ConnectError::config(format!("`cleanup.path` {}: there is no such folder", folder.display())));
        }
        self.following = Some(Following {
            config,
            context,
            discovery: Discovery::new(),
            followers: HashMap::new(),
            by_path: HashMap::new(),
            ready: VecDeque::new(),
            waiting: HashSet::new(),
            slots: Vec::new(),
            open: 0,
            next_scan: Instant::now(),
            next_sweep: Instant::now(),
            first_scan: true,
            names: Names::default(),
        });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceRecord>> {
        let following = self.following.as_mut().ok_or_else(|| ConnectError::connect("the task was not started"))?;
        let deadline = Instant::now() + POLL_WAIT;
        loop {
            following.look().await?;
            let records = following.read_some()?;
            if !records.is_empty() || Instant::now() >= deadline {
                return Ok(records);
            }
            let until = deadline.min(following.next_scan).min(following.next_sweep);
            tokio::select! {
                () = following.discovery.changed() => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    fn wants_committed_records(&self) -> bool {
        self.following.as_ref().is_some_and(|following| following.config.cleanup != Cleanup::None)
    }

    async fn commit_records(&mut self, records: &[CommittedRecord]) -> Result<()> {
        let Some(following) = &mut self.following else { return Ok(()) };
        for record in records {
            let slot = usize::try_from(record.token).ok().and_then(|slot| following.slots.get(slot));
            if let Some(follower) = slot.and_then(|id| following.followers.get_mut(id)) {
                follower.outstanding = follower.outstanding.saturating_sub(1);
            }
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.following = None;
        Ok(())
    }
}

impl Following {
    /// Notices what changed.
    async fn look(&mut self) -> Result<()> {
        let changes = self.discovery.changes();
        for path in &changes.paths {
            if let Some(id) = self.by_path.get(path) {
                wake(&mut self.ready, &mut self.waiting, *id);
            }
        }
        let now = Instant::now();
        if changes.names || now >= self.next_scan {
            self.next_scan = now + self.config.rescan;
            let found = self.discovery.scan(&self.config);
            self.take_in(found).await?;
            self.first_scan = false;
        }
        self.let_go()
    }

    /// Files that came, changed their names, grew or went.
    async fn take_in(&mut self, found: Vec<Found>) -> Result<()> {
        let now = Instant::now();
        let mut there: HashSet<FileId> = HashSet::with_capacity(found.len());
        let mut new = Vec::new();
        self.by_path.clear();
        for file in found {
            there.insert(file.id);
            self.by_path.insert(file.path.clone(), file.id);
            let Some(follower) = self.followers.get_mut(&file.id) else {
                new.push(file);
                continue;
            };
            follower.gone = None;
            if follower.path != file.path {
                follower.renamed(file.path);
            }
            if file.size != follower.position && follower.ended != Some(file.size) {
                wake(&mut self.ready, &mut self.waiting, file.id);
            }
        }
        for follower in self.followers.values_mut().filter(|follower| !there.contains(&follower.id)) {
            if follower.gone.is_none() {
                follower.gone = Some(now);
                // What was written before it went.
                wake(&mut self.ready, &mut self.waiting, follower.id);
            }
        }
        self.add(new, now).await
    }

    async fn add(&mut self, new: Vec<Found>, now: Instant) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let partitions: Vec<_> = new.iter().map(|file| file.id.partition()).collect();
        let stored = self.context.offsets.offsets(&partitions).await?;
        for (file, stored) in new.into_iter().zip(stored) {
            let mut follower = Follower::new(file.id, file.path, self.names.clone(), now);
            match self.place(&mut follower, stored.as_ref().and_then(Stored::of), file.size) {
                Ok(()) => {
                    wake(&mut self.ready, &mut self.waiting, follower.id);
                    if self.open >= self.config.max_open_files {
                        follower.input = None;
                    }
                    self.open += usize::from(follower.input.is_some());
                    follower.slot = self.slots.len() as u64;
                    self.slots.push(follower.id);
                    self.followers.insert(follower.id, follower);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // It is found again, and may be readable, at the next look.
                Err(error) => warn!(path = %follower.path.display(), %error, "cannot be read"),
            }
        }
        Ok(())
    }

    /// Where reading of a file begins.
    fn place(&self, follower: &mut Follower, stored: Option<Stored>, size: u64) -> io::Result<()> {
        let input = follower.open()?;
        let path = follower.path.display();
        match stored {
            Some(stored) if stored.is_of(input.file())? && (input.is_decoded() || stored.position <= size) => {
                info!(%path, position = stored.position, "going on with file");
                (follower.position, follower.inside) = (stored.position, stored.inside);
            }
            Some(stored) => {
                warn!(%path, stored = stored.position, "the file is not the one whose position was stored, reading it from its beginning");
            }
            None if self.config.from_end && self.first_scan && !input.is_decoded() => {
                info!(%path, position = size, "reading file from its end");
                follower.position = size;
            }
            None => info!(%path, "reading file"),
        }
        follower.input = Some(input);
        Ok(())
    }

    /// Up to a batch of records of the files whose turn it is.
    fn read_some(&mut self) -> Result<Vec<SourceRecord>> {
        let mut records = Vec::new();
        for _ in 0..self.ready.len() {
            if records.len() >= self.config.batch_size {
                break;
            }
            let Some(id) = self.ready.pop_front() else { break };
            self.waiting.remove(&id);
            let Some(mut follower) = self.followers.remove(&id) else { continue };
            let was_open = follower.input.is_some();
            let outcome = self.read(&mut follower, &mut records);
            if outcome.as_ref().is_ok_and(|more| !more) && self.open > self.config.max_open_files {
                follower.input = None;
            }
            self.open = self.open + usize::from(follower.input.is_some()) - usize::from(was_open);
            self.followers.insert(id, follower);
            match outcome {
                Ok(true) => wake(&mut self.ready, &mut self.waiting, id),
                Ok(false) => {}
                // Invariant 3: what was read before goes out first; the error comes back with the next poll.
                Err(_) if !records.is_empty() => {
                    self.ready.push_front(id);
                    self.waiting.insert(id);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// Reads a chunk; `true` when there may be more.
    fn read(&self, follower: &mut Follower, records: &mut Vec<SourceRecord>) -> Result<bool> {
        let path = follower.path_text().clone();
        let unreadable = |error: io::Error| {
            ConnectError::connect(format!("reading {path}: {error}. Every line before was delivered"))
                .with_source(error)
        };
        match follower.refresh() {
            Ok(true) => {}
            Ok(false) => warn!(%path, "the file was truncated or written anew, reading it from its beginning"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(unreadable(error)),
        }
        let splitter = Splitter { max_line_bytes: self.config.max_line_bytes };
        let over = self.is_settled(follower, Instant::now()) && follower.last_look;
        let mut size = (self.context.memory.bytes() / 8).clamp(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES) as usize;
        loop {
            let Some(input) = &mut follower.input else { return Ok(false) };
            let (chunk, after) = input.read(follower.position, size).map_err(unreadable)?;
            let whole = after == After::End || after == After::EndForNow && over;
            let begin = follower.position;
            let (inside, limit) = (follower.inside, self.limit(records.len()));
            let patience = self.patience(follower, begin + chunk.len() as u64);
            let mut taker = Taker::new(&self.config, follower, records);
            let used = splitter.split(&chunk, whole, inside, limit, |piece, end| taker.take(piece, end));
            let complete = whole && used == chunk.len() || after != After::More && patience;
            let unfinished = taker.finish(complete)?;
            follower.unfinished = unfinished.map(|end| match follower.unfinished {
                Some(known) if known.0 == end => known,
                _ => (end, Instant::now()),
            });
            let used = (follower.position - begin) as usize;
            if used > 0 {
                follower.active = Instant::now();
                follower.last_look &= over;
                let is_end = after == After::End && used == chunk.len();
                follower.ended = if is_end { follower.size().map_err(unreadable)? } else { None };
                return Ok(after == After::More || used < chunk.len() && records.len() >= self.config.batch_size);
            }
            if after != After::More {
                follower.ended = if after == After::End { follower.size().map_err(unreadable)? } else { None };
                if after == After::EndForNow && input_is_decoded(follower) {
                    // A decoder does not go on after an early end: the file is opened again when it has grown.
                    follower.input = None;
                }
                return Ok(false);
            }
            // A line that is longer than the chunk; a part of it comes out when it is longer than a line may be.
            let longest = self.config.max_line_bytes * (1 + usize::from(self.config.multiline.is_some())) + 2;
            size = size.saturating_mul(2).min(longest).max(size + 1);
        }
    }

    /// How many lines may be taken; lines that belong together are bounded by the chunk.
    fn limit(&self, taken: usize) -> usize {
        if self.config.multiline.is_some() { usize::MAX } else { self.config.batch_size - taken }
    }

    /// Whether the lines up to `end` have waited long enough for more that belong to them.
    fn patience(&self, follower: &Follower, end: u64) -> bool {
        let Some(multiline) = &self.config.multiline else { return false };
        follower.unfinished.is_some_and(|(known, since)| known == end && since.elapsed() >= multiline.timeout)
    }

    /// Whether nothing more is expected of a file: it is gone, or idle and to be cleaned up.
    fn is_settled(&self, follower: &Follower, now: Instant) -> bool {
        let since = match follower.gone {
            Some(gone) => Some(gone),
            None => (self.config.cleanup != Cleanup::None).then_some(follower.active),
        };
        since.is_some_and(|since| now.duration_since(since) >= self.config.settle)
    }

    /// Forgets files that are gone and cleans up those that are done, after a last look at them.
    fn let_go(&mut self) -> Result<()> {
        let now = Instant::now();
        if now < self.next_sweep {
            return Ok(());
        }
        self.next_sweep = now + SWEEP;
        self.wake_unfinished(now);
        let settled: Vec<FileId> = self
            .followers
            .values()
            .filter(|follower| self.is_settled(follower, now) && !self.waiting.contains(&follower.id))
            .map(|follower| follower.id)
            .collect();
        for id in settled {
            let Some(follower) = self.followers.get_mut(&id) else { continue };
            if !follower.last_look {
                follower.last_look = true;
                wake(&mut self.ready, &mut self.waiting, id);
            } else if follower.gone.is_some() {
                info!(path = %follower.path_text(), position = follower.position, "the file is gone and was read to its end");
                self.forget(id);
            } else if follower.outstanding == 0 && is_read(follower) {
                self.clean_up(id)?;
            }
        }
        Ok(())
    }

    /// Looks again at lines that have waited for more.
    fn wake_unfinished(&mut self, now: Instant) {
        let Some(multiline) = &self.config.multiline else { return };
        let is_due = |since: Instant| now.duration_since(since) >= multiline.timeout;
        for follower in self.followers.values().filter(|one| one.unfinished.is_some_and(|(_, since)| is_due(since))) {
            wake(&mut self.ready, &mut self.waiting, follower.id);
        }
    }

    fn forget(&mut self, id: FileId) {
        if self.followers.remove(&id).is_some_and(|follower| follower.input.is_some()) {
            self.open -= 1;
        }
    }

    /// Every record of the file was acknowledged.
    fn clean_up(&mut self, id: FileId) -> Result<()> {
        let Some(follower) = self.followers.get(&id) else { return Ok(()) };
        let path = &follower.path;
        let done = match &self.config.cleanup {
            Cleanup::None => Ok(()),
            Cleanup::Delete => std::fs::remove_file(path),
            Cleanup::Move(folder) => match path.file_name() {
                Some(name) if !folder.join(name).exists() => std::fs::rename(path, folder.join(name)),
                _ => {
                    Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name in `cleanup.path`"))
                }
            },
        };
        match done {
            Ok(()) => info!(path = %path.display(), "cleaned up"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("cleaning up {}: {error}. Everything in it was delivered", path.display());
                return Err(ConnectError::connect(message).with_source(error));
            }
        }
        self.forget(id);
        Ok(())
    }
}

fn input_is_decoded(follower: &Follower) -> bool {
    follower.input.as_ref().is_some_and(Input::is_decoded)
}

/// Whether nothing was written since the last line that was handed out.
fn is_read(follower: &Follower) -> bool {
    let read = follower.ended.unwrap_or(follower.position);
    std::fs::metadata(&follower.path).is_ok_and(|metadata| metadata.len() == read)
}

/// Puts a file in the queue unless it is there.
fn wake(ready: &mut VecDeque<FileId>, waiting: &mut HashSet<FileId>, id: FileId) {
    if waiting.insert(id) {
        ready.push_back(id);
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
