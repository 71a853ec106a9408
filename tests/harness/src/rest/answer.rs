//! One HTTP answer.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Status, headers in the order they came, body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header names as sent and their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The first header of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body)
            .with_context(|| format!("{} with a body that is not JSON: {}", self.status, self.body))
    }

    /// This answer if it has the status, an error that shows the body otherwise.
    pub fn expect(self, status: u16) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        bail!("expected {status}, got {}: {}", self.status, self.body)
    }

    /// Splits the bytes of a whole HTTP/1.1 answer (`Connection: close`, so all that came until the end).
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let split = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .context("an answer without the end of headers")?;
        let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("a status line `{status_line}`"))?;
        let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        let mut answer = Answer { status, headers: lines.filter_map(header).collect(), body: String::new() };
        let rest = &bytes[split + 4..];
        let body = match answer.header("transfer-encoding") {
            // The answer to HEAD has the header and no chunks.
            Some(coding) if coding.eq_ignore_ascii_case("chunked") && !rest.is_empty() => unchunk(rest)?,
            _ => rest.to_vec(),
        };
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Ok(answer)
    }
}

fn unchunk(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n").context("a chunk without its size")?;
        let size = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
            .with_context(|| format!("chunk size `{size}`"))?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(bytes.get(..size).context("a chunk that is cut short")?);
        bytes = bytes.get(size + 2..).context("a chunk without its end")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_order_and_case() {
        let answer =
            Answer::parse(b"HTTP/1.1 404 Not Found\r\nServer: x\r\nDate: y\r\n\r\n{\"a\":1}").expect("an answer");
        assert_eq!(answer.status, 404);
        assert_eq!(answer.headers, [("Server".to_owned(), "x".to_owned()), ("Date".to_owned(), "y".to_owned())]);
        assert_eq!(answer.json().expect("json")["a"], 1);
    }

    #[test]
    fn chunks_are_joined() {
        let answer =
            Answer::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n");
        assert_eq!(answer.expect("an answer").body, "abcde");
    }
}
