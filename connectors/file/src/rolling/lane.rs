//! The files of one partition: which records are in finished ones, and the one that is open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sluice_api::{ConnectError, Result, TopicPartition};
use tracing::info;

use super::config::RollingConfig;
use super::segment::Segment;

/// Digits of an offset in a name, so that names sort as offsets do.
const DIGITS: usize = 20;
const PART: &str = ".part";

/// Told apart by number from other lanes of this process that had the same name.
static LANES: AtomicU64 = AtomicU64::new(0);

pub(super) struct Lane {
    folder: PathBuf,
    /// What names of finished files begin with.
    begin: String,
    ending: String,
    /// The first offset that is in no finished file.
    pub(super) next: i64,
    pub(super) segment: Option<Segment>,
}

impl Lane {
    /// Looks at what is there, and removes what a crash has left.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(super) fn open(config: &RollingConfig, partition: &TopicPartition) -> Result<Self> {
        let name = config.name.replace("${topic}", &partition.topic);
        let name = name.replace("${partition}", &partition.partition.to_string());
        let path = config.directory.join(name);
        let (Some(folder), Some(begin)) = (path.parent(), path.file_name()) else {
            return Err(ConnectError::connect(format!("{} is no name of a file", path.display())));
        };
        let begin = format!("{}-", begin.to_string_lossy());
        let mut lane = Self { folder: folder.to_owned(), begin, ending: config.ending(), next: 0, segment: None };
        fs::create_dir_all(&lane.folder).map_err(|error| failed("make the folder", &lane.folder, error))?;
        lane.look().map_err(|error| failed("look through", &lane.folder, error))?;
        if lane.next > 0 {
            info!(%partition, next = lane.next, "records before this offset are in files already");
        }
        Ok(lane)
    }

    fn look(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(last) = self.last_offset(name) {
                self.next = self.next.max(last + 1);
            } else if self.is_left_over(name) {
                info!(name, "removing a file that was not finished");
                fs::remove_file(self.folder.join(name))?;
            }
        }
        Ok(())
    }

    /// The last offset of a finished file of this partition; of another ending, too, since settings change.
    fn last_offset(&self, name: &str) -> Option<i64> {
        let (offsets, _) = name.strip_prefix(&self.begin)?.split_once('.')?;
        let (first, last) = offsets.split_once('-')?;
        let number = |text: &str| text.parse().ok().filter(|_| text.len() == DIGITS);
        number(first).and(number(last))
    }

    fn is_left_over(&self, name: &str) -> bool {
        let middle = name.strip_prefix('.').and_then(|name| name.strip_prefix(&self.begin));
        let middle = middle.and_then(|name| name.strip_suffix(PART));
        // First offset, process, lane: a longer name belongs to another topic.
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        middle.is_some_and(|middle| middle.split('-').count() == 3 && middle.split('-').all(is_number))
    }

    /// The open file; one that begins with `first` if there is none.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn segment(&mut self, config: &RollingConfig, first: i64) -> Result<&mut Segment> {
        if self.segment.is_none() {
            // Nobody else has the same name, not even a task that was told to stop and has not heard of it.
            let own = [u64::from(std::process::id()), LANES.fetch_add(1, Ordering::Relaxed)];
            let path = self.folder.join(format!(".{}{first}-{}-{}{PART}", self.begin, own[0], own[1]));
            let made = Segment::create(path.clone(), config.compression, first);
            self.segment = Some(made.map_err(|error| failed("make", &path, error))?);
        }
        self.segment.as_mut().ok_or_else(|| ConnectError::connect("there is no file to write to"))
    }

    /// Gives the open file its name.
    ///
    /// # Errors
    /// It cannot be completed; nothing of it counts.
    pub(super) fn finish(&mut self, fsync: bool) -> Result<()> {
        let Some(segment) = self.segment.take() else { return Ok(()) };
        let (first, last) = (segment.first, segment.last);
        let name = format!("{}{first:0DIGITS$}-{last:0DIGITS$}{}", self.begin, self.ending);
        let path = self.folder.join(name);
        segment.finish(&path, fsync).map_err(|error| failed("finish", &path, error))?;
        self.next = last + 1;
        Ok(())
    }

    /// The name for error messages.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

pub(super) fn failed(what: &str, path: &Path, error: io::Error) -> ConnectError {
    ConnectError::connect(format!("cannot {what} {}: {error}. Nothing of it was committed", path.display()))
        .with_source(error)
}
