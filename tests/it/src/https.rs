//! REST over TLS: clients by their certificates, stores that cannot be used, and workers that reach each other. Apache Kafka Connect is
//! asked the same.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sluice_harness::{
    Certificates, Engine, Kafka, Properties, RestTls, STORE_PASSWORD, Scratch, Setup, Sluice, Worker, free_port,
    wait_until,
};

const SOON: Duration = Duration::from_secs(60);

/// Who comes to a worker with certificates of the same authority.
struct Clients {
    /// Has a certificate of it.
    known: RestTls,
    /// Has none.
    nameless: RestTls,
    /// Has one of another authority.
    intruder: RestTls,
    /// Trusts another authority.
    wary: RestTls,
}

impl Clients {
    fn of(certificates: &Certificates) -> Result<Self> {
        let ca = certificates.file("ca.pem");
        Ok(Clients {
            known: RestTls::new(&ca, Some(&certificates.file("client.p12")))?,
            nameless: RestTls::new(&ca, None)?,
            intruder: RestTls::new(&ca, Some(&certificates.file("intruder.p12")))?,
            wary: RestTls::new(&certificates.file("other-ca.pem"), Some(&certificates.file("client.p12")))?,
        })
    }

    /// Whether each of them gets an answer.
    fn answered(&self, worker: &Worker) -> [bool; 4] {
        [&self.known, &self.nameless, &self.intruder, &self.wary]
            .map(|client| worker.rest().clone().over(client).get("/").is_ok_and(|answer| answer.status == 200))
    }
}

/// `listeners.https.*` with the certificate of `name` and the given `ssl.client.auth`.
fn secured(properties: Properties, certificates: &Certificates, name: &str, client_auth: &str) -> Properties {
    let file = |name: &str| certificates.file(name).display().to_string();
    properties
        .with("listeners.https.ssl.keystore.type", "PKCS12")
        .with("listeners.https.ssl.keystore.location", &file(&format!("{name}.p12")))
        .with("listeners.https.ssl.keystore.password", STORE_PASSWORD)
        .with("listeners.https.ssl.key.password", STORE_PASSWORD)
        .with("listeners.https.ssl.truststore.type", "JKS")
        .with("listeners.https.ssl.truststore.location", &file("trust.jks"))
        .with("listeners.https.ssl.truststore.password", STORE_PASSWORD)
        .with("listeners.https.ssl.client.auth", client_auth)
}

#[test]
fn clients_are_taken_by_their_certificates_as_kafka_connect_takes_them() -> Result<()> {
    let certificates = Certificates::make()?;
    let clients = Clients::of(&certificates)?;
    for (client_auth, expected) in [
        ("required", [true, false, false, false]),
        ("requested", [true, true, false, false]),
        ("none", [true, true, true, false]),
    ] {
        for engine in Engine::BOTH {
            let properties = Properties::distributed(Kafka::shared()?, "https");
            let properties = secured(properties, &certificates, "server", client_auth);
            let worker = Setup::distributed(engine, &properties).over(&clients.known).start()?;
            ensure!(clients.answered(&worker) == expected, "{engine:?} {client_auth}: {:?}", clients.answered(&worker));
            if engine == Engine::Sluice && client_auth == "required" {
                said(
                    &worker,
                    "a client was refused",
                    &["peer did not return a certificate", "its authority is not in `ssl.truststore.*`"],
                )?;
            }
        }
    }
    Ok(())
}

/// The log has each of the texts on a line with `what`.
fn said(worker: &Worker, what: &str, texts: &[&str]) -> Result<()> {
    wait_until(&format!("the log to say why {what}"), SOON, || {
        let logs = worker.logs();
        for text in texts {
            let found = logs.lines().any(|line| line.contains(what) && line.contains(text));
            ensure!(found, "no `{text}` in {logs}");
        }
        Ok(())
    })
}

#[test]
fn both_kinds_of_listeners_serve_and_a_location_has_the_clients_scheme() -> Result<()> {
    let certificates = Certificates::make()?;
    let clients = Clients::of(&certificates)?;
    let (plain, encrypted) = (free_port()?, free_port()?);
    let properties =
        secured(Properties::distributed(Kafka::shared()?, "https-both"), &certificates, "server", "required")
            .with("listeners", &format!("http://127.0.0.1:{plain},https://127.0.0.1:{encrypted}"));
    let worker = Sluice::distributed(&properties).start()?;
    let config = |name: &str| serde_json::json!({ "name": name, "config": { "connector.class": "FileStreamSink", "file": "/dev/null", "topics": "t" } });
    let created = worker.rest().post("/connectors", &config("in-clear"))?.expect(201)?;
    let location = created.header("Location").context("a location")?;
    ensure!(location == format!("http://127.0.0.1:{plain}/connectors/in-clear"), "{location}");
    let rest = sluice_harness::Rest::at(&format!("127.0.0.1:{encrypted}")).over(&clients.known);
    let created = rest.post("/connectors", &config("encrypted"))?.expect(201)?;
    let location = created.header("Location").context("a location")?;
    ensure!(location == format!("https://127.0.0.1:{encrypted}/connectors/encrypted"), "{location}");
    Ok(())
}

/// Starts a worker that cannot start; what it said.
fn refused(more: &[(&str, &str)]) -> Result<String> {
    let properties = Properties::distributed(Kafka::shared()?, "https-refused")
        .with("listeners", &format!("https://127.0.0.1:{}", free_port()?));
    let properties = more.iter().fold(properties, |properties, (key, value)| properties.with(key, value));
    let mut worker = Sluice::distributed(&properties).launch()?;
    let ended = worker.wait_end(SOON)?;
    ensure!(ended.code() == Some(2), "{ended}: {}", worker.logs());
    Ok(worker.logs())
}

#[test]
fn a_store_that_cannot_be_used_refuses_the_start_naming_its_key() -> Result<()> {
    let certificates = Certificates::make()?;
    let path = |path: &Path| path.display().to_string();
    let (store, missing) = (path(&certificates.file("server.p12")), path(&certificates.file("nobody.p12")));
    const LOCATION: &str = "listeners.https.ssl.keystore.location";
    for (more, expected) in [
        (&[][..], vec!["`listeners`", "`ssl.keystore.location` is not set"]),
        (&[(LOCATION, missing.as_str())], vec!["`listeners.https.ssl.keystore.location`", missing.as_str()]),
        (
            &[(LOCATION, store.as_str()), ("listeners.https.ssl.keystore.password", "geheim")],
            vec!["`listeners.https.ssl.keystore.location`", store.as_str()],
        ),
        (
            &[(LOCATION, store.as_str()), ("listeners.https.ssl.client.auth", "sometimes")],
            vec!["listeners.https.ssl.client.auth", "required, requested or none"],
        ),
    ] {
        let said = refused(more)?;
        for text in expected {
            ensure!(said.contains(text), "no `{text}` in {said}");
        }
        ensure!(!said.contains("geheim"), "{said}");
    }
    Ok(())
}

/// A leader that others reach over TLS alone, with the certificate of `name`; tests reach it in clear.
fn leader(properties: &Properties, certificates: &Certificates, name: &str) -> Result<Worker> {
    let listeners = format!("http://127.0.0.1:{},https://127.0.0.1:{}", free_port()?, free_port()?);
    let properties = properties.clone().with("listeners", &listeners).with("rest.advertised.listener", "https");
    Sluice::distributed(&secured(properties, certificates, name, "required")).start()
}

#[test]
fn a_worker_that_cannot_reach_its_leader_says_why() -> Result<()> {
    let certificates = Certificates::make()?;
    for (name, status, expected) in [
        ("server", 404, "Connector zz not found"),
        ("elsewhere", 500, "the server's certificate is refused: IP address mismatch"),
        ("intruder", 500, "its authority is not in `ssl.truststore.*`"),
    ] {
        let properties = Properties::distributed(Kafka::shared()?, "https-led");
        let _leader = leader(&properties, &certificates, name)?;
        let follower = Sluice::distributed(&secured(properties.clone(), &certificates, "client", "none")).start()?;
        let answer = follower.rest().delete("/connectors/zz")?.expect(status)?;
        ensure!(answer.body.contains(expected), "{name}: {}", answer.body);
        if name == "server" {
            let nameless = secured(properties, &certificates, "client", "none");
            let nameless = nameless.without("listeners.https.ssl.keystore.location");
            let nameless = Sluice::distributed(&nameless).start()?;
            let answer = nameless.rest().delete("/connectors/zz")?.expect(500)?;
            ensure!(answer.body.contains("IO Error trying to forward REST request: "), "{}", answer.body);
        }
    }
    Ok(())
}

/// Requests and task configs go over TLS both ways, each worker shows its certificate.
#[test]
fn workers_of_both_kinds_share_their_work_over_tls() -> Result<()> {
    let (certificates, scratch) = (Certificates::make()?, Scratch::new("https-mixed")?);
    let clients = Clients::of(&certificates)?;
    for engines in [[Engine::Oracle, Engine::Sluice], [Engine::Sluice, Engine::Oracle]] {
        let properties = Properties::distributed(Kafka::shared()?, "https-mixed");
        let properties = secured(properties, &certificates, "server", "required");
        let start = |engine| Setup::distributed(engine, &properties).over(&clients.known).start();
        let workers = [start(engines[0])?, start(engines[1])?];
        for (name, asked) in [("tls-a", &workers[0]), ("tls-b", &workers[1])] {
            let config =
                serde_json::json!({ "connector.class": "FileStreamSource", "file": scratch.join(name), "topic": name });
            let created = asked.rest().put_connector(name, &config)?.expect(201)?;
            let location = created.header("Location").context("a location")?;
            ensure!(location == format!("https://{}/connectors/{name}", asked.id()), "{location}");
        }
        let mut owners = Vec::new();
        for name in ["tls-a", "tls-b"] {
            let status = workers[0].rest().wait_running(name, 1, SOON)?;
            owners.push(status["connector"]["worker_id"].as_str().unwrap_or_default().to_owned());
            workers[1].rest().wait_running(name, 1, SOON)?;
        }
        owners.sort();
        let mut expected = workers.each_ref().map(|worker| worker.id().to_owned());
        expected.sort();
        ensure!(owners == expected, "{engines:?}: the connectors run on {owners:?}");
    }
    Ok(())
}
