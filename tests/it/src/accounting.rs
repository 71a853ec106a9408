//! The question that every fault test ends in: is every input record accounted for?

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

/// A line that says which one it is.
pub(crate) fn numbered_line(number: usize) -> String {
    format!("line {number:09} {}", "x".repeat(number % 90))
}

/// The number in a line that was written by [`numbered_line`], when it is whole.
pub(crate) fn number_of(line: &str) -> Option<usize> {
    let number = line.strip_prefix("line ")?.get(..9)?.parse().ok()?;
    (numbered_line(number) == line).then_some(number)
}

/// What was seen of a numbered input.
#[derive(Debug, Default)]
pub(crate) struct Account {
    counts: BTreeMap<usize, u32>,
    cut: Vec<String>,
}

impl Account {
    /// Counts lines in the order in which they were seen.
    ///
    /// # Errors
    /// When a line is seen for the first time before an earlier one was: order within the partition is broken.
    pub(crate) fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut account = Self::default();
        let mut next_new = 0;
        let mut lines = lines.into_iter();
        while let Some(line) = lines.next() {
            let Some(number) = number_of(line) else {
                account.cut.push(line.to_owned());
                continue;
            };
            if number > next_new {
                let later = lines.filter_map(number_of).position(|number| number == next_new);
                let when = later.map_or("never came".to_owned(), |later| format!("came {} lines later", later + 1));
                let cut = account.cut.last();
                bail!("line {number} was first seen before line {next_new}, which {when}; cut before it: {cut:?}");
            }
            next_new = next_new.max(number + 1);
            *account.counts.entry(number).or_default() += 1;
        }
        Ok(account)
    }

    /// Every line of `0..total` is there at least once, and at most `cut` lines are not whole.
    pub(crate) fn is_complete(&self, total: usize, cut: usize) -> Result<()> {
        let missing: Vec<usize> = (0..total).filter(|number| !self.counts.contains_key(number)).take(5).collect();
        ensure!(missing.is_empty(), "{} of {total} lines are there; missing from {missing:?} on", self.counts.len());
        ensure!(self.counts.len() == total, "more lines than there were: {} of {total}", self.counts.len());
        ensure!(
            self.cut.len() <= cut,
            "{} lines are cut or glued, at most {cut} may be: {:?}",
            self.cut.len(),
            self.cut.first()
        );
        Ok(())
    }

    /// The first line of `0..end` that is not there.
    pub(crate) fn missing_below(&self, end: usize) -> Option<usize> {
        (0..end).find(|number| !self.counts.contains_key(number))
    }

    /// Lines that were seen more than once.
    pub(crate) fn duplicates(&self) -> usize {
        self.counts.values().filter(|count| **count > 1).count()
    }
}

#[test]
fn a_missing_a_cut_and_a_misplaced_line_are_noticed() -> Result<()> {
    let lines: Vec<String> = (0..5).map(numbered_line).collect();
    let all: Vec<&str> = lines.iter().map(String::as_str).collect();
    Account::of(all.clone())?.is_complete(5, 0)?;
    ensure!(Account::of(all[..4].to_vec())?.is_complete(5, 0).is_err());
    ensure!(Account::of([all[0], all[2]]).is_err());
    let glued = format!("{}{}", all[1], all[2]);
    ensure!(Account::of([all[0], &glued, all[1], all[2], all[3], all[4]])?.is_complete(5, 0).is_err());
    let repeated = [all[0], all[1], all[0], all[1], all[2], all[3], all[4]];
    ensure!(Account::of(repeated)?.duplicates() == 2);
    Ok(())
}
