//! `database.sslmode` against a server with TLS: who is trusted is said by the mode.

use anyhow::{Result, ensure};
use sluice_harness::{Certificates, Engine, Kafka, Postgres};

use super::{config, properties, start, wait_streaming, with};

#[test]
fn modes_trust_whom_they_say() -> Result<()> {
    let kafka = Kafka::shared()?;
    let certificates = Certificates::make()?;
    let postgres = Postgres::start_tls(&certificates)?;
    postgres.create_database("shop")?;
    postgres.sql("shop", "CREATE TABLE t (id int PRIMARY KEY)")?;
    let worker = start(Engine::Sluice, &properties(kafka, "pgtls")?)?;
    let (ca, other) = (certificates.file("ca.pem"), certificates.file("other-ca.pem"));
    let (ca, other) = (ca.display().to_string(), other.display().to_string());
    for (name, mode, root) in
        [("tls_prefer", "prefer", None), ("tls_require", "require", None), ("tls_full", "verify-full", Some(&ca))]
    {
        let mut keys = vec![("database.sslmode", mode)];
        keys.extend(root.map(|root| ("database.sslrootcert", root.as_str())));
        worker.rest().put_connector(name, &with(config(&postgres, "shop", name), &keys))?.expect(201)?;
        wait_streaming(&postgres, name)?;
        let sql = format!(
            "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'sluice {name}'"
        );
        ensure!(postgres.sql("shop", &sql)? == "t", "{name} is not encrypted");
    }
    let keys = [("database.sslmode", "verify-ca"), ("database.sslrootcert", other.as_str())];
    let config = with(config(&postgres, "shop", "tls_other"), &keys);
    let answer = worker.rest().put("/connectors/tls_other/config", &config)?.expect(400)?;
    ensure!(answer.body.contains("the certificate of 127.0.0.1 is not accepted"), "{}", answer.body);
    Ok(())
}
