//! A bucket behind HTTP, as far as the sink uses one. Signatures are not checked: that is for the real server of the integration tests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Status and code.
    Answer(u16, &'static str),
    /// It is done, and the connection breaks before the answer.
    LostAnswer,
    /// All uploads are aborted first.
    AbortedUploads,
}

/// The store; it ends with the runtime of the test.
pub(crate) struct FakeStore {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Stored>,
    uploads: BTreeMap<String, Upload>,
    next_upload: u64,
    /// For the requests to come whose line begins with the text.
    trouble: VecDeque<(&'static str, Trouble)>,
    log: Vec<String>,
    tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) bytes: Bytes,
    etag: String,
    /// Headers of the request that begin with `x-amz-`, without those about dates and sums.
    pub(crate) headers: BTreeMap<String, String>,
    /// How often it was written.
    pub(crate) writes: u32,
}

#[derive(Default)]
struct Upload {
    key: String,
    parts: BTreeMap<u32, Bytes>,
    headers: BTreeMap<String, String>,
}

impl FakeStore {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                let service = service_fn(move |request| answer(state.clone(), request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next request whose line (`PUT /b/key?query`) begins with `start` meets `trouble`.
    pub(crate) fn trouble(&self, start: &'static str, trouble: Trouble) {
        self.locked().trouble.push_back((start, trouble));
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Stored> {
        self.locked().objects.clone()
    }

    /// Names and contents as text.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        let text = |stored: Stored| String::from_utf8_lossy(&stored.bytes).into_owned();
        self.objects().into_iter().map(|(key, stored)| (key, text(stored))).collect()
    }

    /// Puts an object there as somebody else would.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        let bytes = Bytes::copy_from_slice(bytes);
        let etag = md5(&bytes);
        self.locked().store(key.to_owned(), bytes, etag, BTreeMap::new());
    }

    pub(crate) fn open_uploads(&self) -> usize {
        self.locked().uploads.len()
    }

    /// The lines of the requests so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.locked().log.clone()
    }

    /// The tags of an object as they were sent.
    pub(crate) fn tags(&self, key: &str) -> Option<String> {
        self.locked().tags.get(key).cloned()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Answer, std::io::Error> {
    let line = format!("{} {}", request.method(), request.uri().path_and_query().map_or("", |path| path.as_str()));
    let range = request.headers().get("range").and_then(|range| range.to_str().ok());
    let line = range.map_or(line.clone(), |range| format!("{line} {range}"));
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.log.push(line.clone());
    let met = state.trouble.iter().position(|(start, _)| line.starts_with(start));
    match met.and_then(|at| state.trouble.remove(at)).map(|(_, trouble)| trouble) {
        Some(Trouble::Answer(status, code)) => return Ok(error(status, code)),
        Some(Trouble::LostAnswer) => {
            state.serve(&parts, body);
            return Err(std::io::Error::other("lost"));
        }
        Some(Trouble::AbortedUploads) => state.uploads.clear(),
        None => {}
    }
    Ok(state.serve(&parts, body))
}

impl State {
    fn serve(&mut self, parts: &http::request::Parts, body: Bytes) -> Answer {
        let path = parts.uri.path().trim_start_matches('/');
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let Some((_, key)) = path.split_once('/').filter(|(_, key)| !key.is_empty()) else {
            return self.bucket(&query);
        };
        let key = percent_decoded(key);
        let upload = query.get("uploadId").cloned();
        match (&parts.method, upload) {
            (&Method::PUT, _) if query.contains_key("tagging") => {
                self.tags.insert(key, String::from_utf8_lossy(&body).into_owned());
                plain("")
            }
            (&Method::PUT, None) => {
                let etag = md5(&body);
                self.store(key, body, etag.clone(), headers(parts));
                tagged(&etag)
            }
            (&Method::PUT, Some(id)) => match self.uploads.get_mut(&id) {
                None => error(404, "NoSuchUpload"),
                Some(upload) => {
                    let etag = md5(&body);
                    upload.parts.insert(query["partNumber"].parse().unwrap(), body);
                    tagged(&etag)
                }
            },
            (&Method::POST, None) => {
                self.next_upload += 1;
                let id = format!("upload-{}", self.next_upload);
                let upload = Upload { key, headers: headers(parts), ..Upload::default() };
                self.uploads.insert(id.clone(), upload);
                plain(&format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ))
            }
            (&Method::POST, Some(id)) => self.complete(&id),
            (&Method::DELETE, Some(id)) => match self.uploads.remove(&id) {
                None => error(404, "NoSuchUpload"),
                Some(_) => plain(""),
            },
            (&Method::GET, _) => match self.objects.get(&key) {
                None => error(404, "NoSuchKey"),
                Some(stored) => ranged(stored, parts),
            },
            (&Method::HEAD, _) => match self.objects.get(&key) {
                None => error(404, "NoSuchKey"),
                Some(stored) => tagged(&stored.etag),
            },
            _ => error(405, "MethodNotAllowed"),
        }
    }

    fn bucket(&self, query: &BTreeMap<String, String>) -> Answer {
        if query.contains_key("list-type") {
            let prefix = query.get("prefix").cloned().unwrap_or_default();
            let object = |(key, stored): (&String, &Stored)| {
                let (bytes, etag) = (stored.bytes.len(), &stored.etag);
                format!("<Contents><Key>{key}</Key><Size>{bytes}</Size><ETag>{etag}</ETag></Contents>")
            };
            let listed: String = self.objects.iter().filter(|(key, _)| key.starts_with(&prefix)).map(object).collect();
            return plain(&format!("<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>"));
        }
        if !query.contains_key("uploads") {
            return plain("");
        }
        let upload = |(id, upload): (&String, &Upload)| {
            format!("<Upload><Key>{}</Key><UploadId>{id}</UploadId></Upload>", upload.key)
        };
        let listed: String = self.uploads.iter().map(upload).collect();
        plain(&format!("<ListMultipartUploadsResult>{listed}</ListMultipartUploadsResult>"))
    }

    fn complete(&mut self, id: &str) -> Answer {
        let Some(upload) = self.uploads.remove(id) else { return error(404, "NoSuchUpload") };
        let last = upload.parts.keys().max().copied();
        if upload.parts.iter().any(|(number, part)| Some(*number) != last && part.len() < 5 * 1024 * 1024) {
            return error(400, "EntityTooSmall");
        }
        let sums: Vec<u8> = upload.parts.values().flat_map(|part| md5_bytes(part)).collect();
        let etag = format!("\"{}-{}\"", md5(&sums).trim_matches('"'), upload.parts.len());
        let bytes: Vec<u8> = upload.parts.values().flat_map(|part| part.to_vec()).collect();
        self.store(upload.key, bytes.into(), etag.clone(), upload.headers);
        plain(&format!("<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"))
    }

    fn store(&mut self, key: String, bytes: Bytes, etag: String, headers: BTreeMap<String, String>) {
        let writes = self.objects.get(&key).map_or(0, |stored| stored.writes) + 1;
        self.objects.insert(key, Stored { bytes, etag, headers, writes });
    }
}

/// The bytes of a `Range: bytes=from-to` of the object that `If-Match` names.
fn ranged(stored: &Stored, parts: &http::request::Parts) -> Answer {
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    if header("if-match").is_some_and(|tag| tag != stored.etag) {
        return error(412, "PreconditionFailed");
    }
    let range = header("range").unwrap();
    let (from, to) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).unwrap();
    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
    let bytes = stored.bytes.slice(from..(to + 1).min(stored.bytes.len()));
    Response::builder().status(206).header("etag", &stored.etag).body(Full::from(bytes)).unwrap()
}

fn headers(parts: &http::request::Parts) -> BTreeMap<String, String> {
    let own = |name: &str| {
        name.starts_with("x-amz-")
            && !["date", "checksum", "content", "user", "sdk"].iter().any(|part| name.contains(part))
    };
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        own(name.as_str()).then(|| (name.to_string(), value.to_str().unwrap().to_owned()))
    };
    parts.headers.iter().filter_map(pair).collect()
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("k={}", text.replace('+', "%2B")).as_bytes()).next().unwrap().1.into_owned()
}

fn md5_bytes(bytes: &[u8]) -> Vec<u8> {
    openssl::hash::hash(openssl::hash::MessageDigest::md5(), bytes).unwrap().to_vec()
}

fn md5(bytes: &[u8]) -> String {
    let hex: String = md5_bytes(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn plain(body: &str) -> Answer {
    Response::new(Full::from(body.to_owned()))
}

fn tagged(etag: &str) -> Answer {
    Response::builder().header("etag", etag).body(Full::default()).unwrap()
}

fn error(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
    Response::builder().status(status).body(Full::from(body)).unwrap()
}
