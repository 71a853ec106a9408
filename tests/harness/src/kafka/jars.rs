//! The jars of Apache Kafka and Kafka Connect: fetched once per machine by Maven from the pinned `kafka/pom.xml`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, io};

use anyhow::{Context, Result, anyhow, bail};

use crate::process::Launch;

/// The version that `kafka/pom.xml` pins; part of the cache folder's name.
pub const KAFKA_VERSION: &str = "4.3.0";

const POM: &str = include_str!("../../kafka/pom.xml");
const LOGGING: &str = include_str!("../../kafka/log4j2.properties");

/// The folder with the jars; fetches them on the first call of the machine.
///
/// Test processes that run at the same time wait for each other on a lock file.
pub fn jars() -> Result<&'static Path> {
    static JARS: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let fetched = JARS.get_or_init(|| fetch().map_err(|error| format!("{error:#}")));
    fetched.as_deref().map_err(|error| anyhow!(error.clone()))
}

fn fetch() -> Result<PathBuf> {
    needs("java", "-version", "openjdk-17-jre-headless")?;
    let home = cache_folder()?.join(format!("kafka-{KAFKA_VERSION}"));
    fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
    let lock = File::create(home.join("lock")).context("creating the lock file of the jar cache")?;
    lock.lock().context("locking the jar cache")?;
    let (done, lib) = (home.join("done"), home.join("lib"));
    // The files' text marks a finished copy: another pom, for example after an update, fetches anew.
    let mark = format!("{POM}{LOGGING}");
    if fs::read_to_string(&done).is_ok_and(|found| found == mark) {
        return Ok(lib);
    }
    needs("mvn", "-version", "maven")?;
    if let Err(error) = fs::remove_dir_all(&lib)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("emptying {}", lib.display()));
    }
    let pom = home.join("pom.xml");
    fs::write(&pom, POM).context("writing the pom")?;
    copy_dependencies(&pom, &lib)?;
    fs::write(home.join("log4j2.properties"), LOGGING).context("writing the logging configuration")?;
    fs::write(done, mark).context("marking the jar cache as complete")?;
    Ok(lib)
}

fn copy_dependencies(pom: &Path, lib: &Path) -> Result<()> {
    let maven = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", lib.display()))
        .output()
        .context("running mvn")?;
    if maven.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&maven.stdout).into_owned() + &String::from_utf8_lossy(&maven.stderr);
    bail!("mvn could not fetch Apache Kafka {KAFKA_VERSION}: {}\n{said}", maven.status)
}

/// Fails with the name of the Debian package when a program is missing.
fn needs(program: &str, argument: &str, package: &str) -> Result<()> {
    match Command::new(program).arg(argument).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => bail!("`{program} {argument}` failed: {}", output.status),
        Err(_) => bail!(
            "`{program}` is missing: install the Debian package {package} (all: apt-get install openjdk-17-jre-headless maven)"
        ),
    }
}

/// `$XDG_CACHE_HOME/sluice` or `~/.cache/sluice`.
fn cache_folder() -> Result<PathBuf> {
    let base = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
        (_, Some(home)) => PathBuf::from(home).join(".cache"),
        _ => bail!("neither XDG_CACHE_HOME nor HOME is set: no place for the jars of Apache Kafka"),
    };
    Ok(base.join("sluice"))
}

/// A Java program of the jars with a bounded heap, its output beside `log_stem`.
pub fn java(main_class: &str, heap_mb: u32, log_stem: impl Into<PathBuf>) -> Result<Launch> {
    let lib = jars()?;
    let logging = lib.with_file_name("log4j2.properties");
    Ok(Launch::new("java", log_stem)
        .arg(format!("-Xmx{heap_mb}m"))
        .arg("-XX:+UseSerialGC")
        .arg("-XX:TieredStopAtLevel=1")
        .arg(format!("-Dlog4j2.configurationFile=file:{}", logging.display()))
        .arg("-cp")
        .arg(lib.join("*"))
        .arg(main_class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = needs("no-such-java", "-version", "openjdk-17-jre-headless").expect_err("it is missing");
        assert!(error.to_string().contains("openjdk-17-jre-headless"), "{error}");
    }

    #[test]
    fn the_pom_pins_the_version_of_the_cache_folder() {
        assert!(POM.contains(&format!("<kafka.version>{KAFKA_VERSION}</kafka.version>")));
    }
}
