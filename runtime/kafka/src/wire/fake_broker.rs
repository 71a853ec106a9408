//! A broker for tests that answers what it is told to, so that trouble comes when a test wants it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FindCoordinatorRequest, FindCoordinatorResponse, MetadataRequest,
    MetadataResponse, RequestHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::api::Api;
use super::cluster::text;
use super::frame::read_frame;

/// Listens on a port of its own until the runtime of the test ends.
pub(super) struct FakeBroker {
    port: u16,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    replies: HashMap<i16, VecDeque<Reply>>,
    seen: Vec<(i16, Bytes)>,
}

enum Reply {
    Body(Bytes),
    Frame(Bytes),
    Silence,
}

impl FakeBroker {
    /// A broker that offers every request up to version 9 and names itself as coordinator.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, port, Arc::clone(&shared)));
            }
        });
        Self { port, script }
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The next request of kind `A` that has no reply yet gets `answer`. Without any, it waits for ever.
    pub(super) fn answers<A: Api>(&self, answer: &impl Encodable) -> &Self {
        let mut body = BytesMut::new();
        answer.encode(&mut body, A::VERSION).expect("encodes");
        self.replies::<A>(Reply::Body(body.freeze()))
    }

    /// The next request of kind `A` gets these bytes as the whole answer, correlation id included.
    pub(super) fn answers_with_bytes<A: Api>(&self, frame: &'static [u8]) -> &Self {
        self.replies::<A>(Reply::Frame(Bytes::from_static(frame)))
    }

    /// The next request of kind `A` gets no answer.
    pub(super) fn is_silent_on<A: Api>(&self) -> &Self {
        self.replies::<A>(Reply::Silence)
    }

    /// Every request of kind `A` so far.
    pub(super) fn seen<A: Api + Decodable>(&self) -> Vec<A> {
        let script = self.script.lock().expect("no panic under the lock");
        let of_kind = script.seen.iter().filter(|(key, _)| *key == A::KEY);
        of_kind.map(|(_, body)| A::decode(&mut body.clone(), A::VERSION).expect("a valid request")).collect()
    }

    fn replies<A: Api>(&self, reply: Reply) -> &Self {
        let mut script = self.script.lock().expect("no panic under the lock");
        script.replies.entry(A::KEY).or_default().push_back(reply);
        drop(script);
        self
    }
}

/// The answer of a coordinator look-up that names `broker`.
pub(super) fn coordinator_at(broker: &FakeBroker) -> FindCoordinatorResponse {
    FindCoordinatorResponse::default().with_host(text("127.0.0.1")).with_port(broker.port.into())
}

async fn serve(mut stream: TcpStream, port: u16, script: Arc<Mutex<Script>>) {
    while let Ok(mut frame) = read_frame(&mut stream, 1 << 20).await {
        let header = RequestHeader::decode(&mut frame, 1).expect("a request header of version 1");
        let reply = {
            let mut script = script.lock().expect("no panic under the lock");
            script.seen.push((header.request_api_key, frame));
            let told = script.replies.get_mut(&header.request_api_key).and_then(VecDeque::pop_front);
            told.unwrap_or_else(|| by_default(header.request_api_key, port))
        };
        let answer = match reply {
            Reply::Silence => continue,
            Reply::Frame(frame) => frame,
            Reply::Body(body) => [&header.correlation_id.to_be_bytes()[..], &body].concat().into(),
        };
        let mut bytes = BytesMut::new();
        bytes.put_u32(answer.len() as u32);
        bytes.extend_from_slice(&answer);
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn by_default(key: i16, port: u16) -> Reply {
    let mut body = BytesMut::new();
    let encoded = match key {
        ApiVersionsRequest::KEY => offer().encode(&mut body, ApiVersionsRequest::VERSION),
        MetadataRequest::KEY => {
            let broker = MetadataResponseBroker::default().with_host(text("127.0.0.1")).with_port(port.into());
            MetadataResponse::default().with_brokers(vec![broker]).encode(&mut body, MetadataRequest::VERSION)
        }
        FindCoordinatorRequest::KEY => FindCoordinatorResponse::default()
            .with_host(text("127.0.0.1"))
            .with_port(port.into())
            .encode(&mut body, FindCoordinatorRequest::VERSION),
        _ => return Reply::Silence,
    };
    encoded.expect("encodes");
    Reply::Body(body.freeze())
}

fn offer() -> ApiVersionsResponse {
    let api = |key| ApiVersion::default().with_api_key(key).with_min_version(0).with_max_version(9);
    ApiVersionsResponse::default().with_api_keys((0..60).map(api).collect())
}
