//! The broker's life: start, ready, stop.
//!
//! Owns the data folder (a lock keeps a second broker out), the listener and the one thread on which everything runs.
//! The command line calls it. The listener, the accept loop and the shutdown are ours rather than the library's `main`,
//! which installs signal handlers, prints to standard output and cannot be stopped from outside.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rama::{Context, Layer, Service};
use tansu_broker::NODE_ID;
use tansu_service::{BytesFrameLayer, FrameRouteService, TcpBytesLayer, TcpContext, TcpContextLayer};
use tansu_storage::{BrokerRegistrationRequest, Storage, StorageContainer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    sync::oneshot,
    task::JoinSet,
    time::{MissedTickBehavior, interval_at, timeout},
};
use tracing::{debug, subscriber::NoSubscriber};
use url::Url;

use crate::{
    database::{CLUSTER, Database},
    routes::{Parts, Reporter, routes},
};

type Routes = FrameRouteService<(), tansu_broker::Error>;

const DATABASE_FILE: &str = "broker.db";
const LOCK_FILE: &str = "broker.lock";
const READY_WITHIN: Duration = Duration::from_secs(10);
const COMPACT_EVERY: Duration = Duration::from_secs(600);

/// What the broker needs to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for the broker's files; created when missing. One broker at a time.
    pub data_dir: PathBuf,
    /// Port on 127.0.0.1; a free one when `None`.
    pub port: Option<u16>,
}

/// Why the broker did not start or did not stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data folder cannot be created or written to.
    #[error("embedded broker: data folder {path}: {source}")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process runs a broker on the folder.
    #[error("embedded broker: data folder {0} is in use by another process")]
    InUse(PathBuf),
    /// The port cannot be listened on.
    #[error("embedded broker: listening on 127.0.0.1:{port}: {source}")]
    Port {
        /// The wanted port, 0 for any.
        port: u16,
        /// What the operating system says.
        source: io::Error,
    },
    /// The database file cannot be opened or changed.
    #[error("embedded broker: {DATABASE_FILE}: {0}")]
    Database(#[from] libsql::Error),
    /// The library refuses.
    #[error("embedded broker: {0}")]
    Broker(#[from] tansu_broker::Error),
    /// Thread, runtime or socket trouble.
    #[error("embedded broker: {0}")]
    Io(#[from] io::Error),
    /// The thread has ended without saying why.
    #[error("embedded broker: its thread has ended unexpectedly")]
    Ended,
    /// It listens, but gives no answer.
    #[error("embedded broker: no answer within {} seconds", READY_WITHIN.as_secs())]
    NotReady,
}

/// A running broker. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct EmbeddedBroker {
    address: SocketAddr,
    stop_tx: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    _lock: File,
    _link: Option<Link>,
}

impl EmbeddedBroker {
    /// Starts a broker on the folder and returns once it answers requests.
    ///
    /// Must be called inside a tokio runtime; the broker itself runs on a thread of its own. Not cancel safe in the
    /// sense that a dropped call stops the broker again.
    ///
    /// # Errors
    /// Folder not writable or in use, port taken, or a database file that cannot be read.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let data_dir = prepare(&options.data_dir)?;
        let lock = lock(&data_dir)?;
        let port = options.port.unwrap_or(0);
        let listener = listen(port).map_err(|source| Error::Port { port, source })?;
        let address = listener.local_addr()?;
        let (storage_url, link) = storage_url(&data_dir, address.port())?;
        let (stop_tx, stop_rx) = oneshot::channel();
        let (ready_tx, ready_rx) = oneshot::channel();
        let server = Server {
            listener,
            address,
            storage_url,
            database_file: data_dir.join(DATABASE_FILE),
            reporter: Reporter::new(),
        };
        let thread =
            thread::Builder::new().name("embedded-broker".to_owned()).spawn(move || server.run(ready_tx, stop_rx))?;
        let mut broker = Self { address, stop_tx: Some(stop_tx), thread: Some(thread), _lock: lock, _link: link };
        if ready_rx.await.is_err() {
            return Err(broker.join().await.err().unwrap_or(Error::Ended));
        }
        timeout(READY_WITHIN, handshake(address)).await.map_err(|_| Error::NotReady)??;
        debug!(%address, "embedded broker answers");
        Ok(broker)
    }

    /// Value for `bootstrap.servers`: `127.0.0.1:` and the port.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        self.address.to_string()
    }

    /// Closes every connection, stops, and leaves the folder as one database file. Waits for all of it.
    ///
    /// # Errors
    /// What made the broker end early, if it did.
    pub async fn shutdown(mut self) -> Result<(), Error> {
        self.join().await
    }

    async fn join(&mut self) -> Result<(), Error> {
        drop(self.stop_tx.take());
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        joined.map_err(|_| Error::Ended)?.map_err(|_| Error::Ended)?
    }
}

fn prepare(data_dir: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::DataDir { path: data_dir.to_owned(), source };
    fs::create_dir_all(data_dir).map_err(failed)?;
    data_dir.canonicalize().map_err(failed)
}

/// Held until the broker is dropped; the operating system frees it when the process dies.
fn lock(data_dir: &Path) -> Result<File, Error> {
    let failed = |source| Error::DataDir { path: data_dir.to_owned(), source };
    let path = data_dir.join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn listen(port: u16) -> io::Result<StdListener> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A symbolic link to the data folder, removed when dropped.
#[derive(Debug)]
struct Link(PathBuf);

impl Drop for Link {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            debug!(%error, "link to the data folder not removed");
        }
    }
}

/// The library takes the path out of a URL and does not undo its escapes: a folder whose name needs some is reached by
/// a link with a plain name.
fn storage_url(data_dir: &Path, port: u16) -> Result<(Url, Option<Link>), Error> {
    if let Some(url) = plain_url(data_dir) {
        return Ok((url, None));
    }
    let link = std::env::temp_dir().join(format!("sluice-broker-{}-{port}", std::process::id()));
    let failed = |source| Error::DataDir { path: link.clone(), source };
    std::os::unix::fs::symlink(data_dir, &link).map_err(failed)?;
    let holder = Link(link.clone());
    let url = plain_url(&link).ok_or_else(|| failed(io::Error::other("its name cannot be written in a URL")))?;
    Ok((url, Some(holder)))
}

fn plain_url(folder: &Path) -> Option<Url> {
    let file = folder.join(DATABASE_FILE);
    let file = file.to_str()?;
    let url = Url::parse(&format!("sqlite:///{file}")).ok()?;
    (url.path().strip_prefix('/') == Some(file) && url.query().is_none() && url.fragment().is_none()).then_some(url)
}

/// What the broker's thread takes with it.
struct Server {
    listener: StdListener,
    address: SocketAddr,
    storage_url: Url,
    database_file: PathBuf,
    reporter: Reporter,
}

impl Server {
    fn run(self, ready_tx: oneshot::Sender<()>, stop_rx: oneshot::Receiver<()>) -> Result<(), Error> {
        // Invariant 9: the library logs keys and values of records, so nothing that it says leaves this thread.
        let _quiet = tracing::subscriber::set_default(NoSubscriber::default());
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .thread_keep_alive(Duration::from_secs(1))
            .on_thread_start(|| std::mem::forget(tracing::subscriber::set_default(NoSubscriber::default())))
            .build()?;
        runtime.block_on(self.serve(ready_tx, stop_rx))
    }

    async fn serve(self, ready_tx: oneshot::Sender<()>, stop_rx: oneshot::Receiver<()>) -> Result<(), Error> {
        let parts = self.open().await?;
        let database = parts.database.clone();
        let routes = routes(&parts)?;
        let listener = TcpListener::from_std(self.listener)?;
        if ready_tx.send(()).is_err() {
            return Ok(());
        }
        tokio::select! {
            () = accept(listener, routes) => {}
            () = compact(&database, &self.reporter) => {}
            _ = stop_rx => {}
        }
        database.checkpoint().await?;
        Ok(())
    }

    async fn open(&self) -> Result<Parts, Error> {
        let advertised = Url::parse(&format!("tcp://{}", self.address)).map_err(tansu_broker::Error::from)?;
        let storage = StorageContainer::builder()
            .cluster_id(CLUSTER)
            .node_id(NODE_ID)
            .advertised_listener(advertised)
            .storage(self.storage_url.clone())
            .silent(true)
            .build()
            .await
            .map_err(tansu_broker::Error::from)?;
        let database = Database::open(&self.database_file).await?;
        database.forget_members().await?;
        let registration = BrokerRegistrationRequest {
            broker_id: NODE_ID,
            cluster_id: CLUSTER.to_owned(),
            incarnation_id: Default::default(),
            rack: None,
        };
        storage.register_broker(registration).await.map_err(tansu_broker::Error::from)?;
        Ok(Parts { storage, database: Arc::new(database), reporter: self.reporter.clone() })
    }
}

/// Serves connections until dropped, which closes them.
async fn accept(listener: TcpListener, routes: Routes) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, routes.clone()));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one client until it goes or sends what the library cannot read. The error has no reader: the client sees a
/// closed connection.
async fn connection(stream: TcpStream, routes: Routes) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = (
        TcpContextLayer::new(TcpContext::default().cluster_id(Some(CLUSTER.to_owned()))),
        TcpBytesLayer::<()>::default(),
        BytesFrameLayer::default(),
    )
        .into_layer(routes);
    service.serve(Context::default(), stream).await.ok();
}

/// Compacts now and every ten minutes, until dropped.
async fn compact(database: &Database, reporter: &Reporter) {
    let mut ticks = interval_at(tokio::time::Instant::now() + COMPACT_EVERY, COMPACT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if let Err(error) = database.compact().await {
            reporter.storage_failed("compacting topics", &error);
        }
        ticks.tick().await;
    }
}

/// Asks for the supported versions (ApiVersions v0, no client id) and reads the whole answer.
async fn handshake(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]).await?;
    let length = stream.read_i32().await?;
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    Ok(())
}
