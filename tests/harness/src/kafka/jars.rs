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

/// The Debian package with `java` and `javac`.
pub(crate) const JDK: &str = "openjdk-17-jdk-headless";

const POM: &str = include_str!("../../kafka/pom.xml");
const LOGGING: &str = include_str!("../../kafka/log4j2.properties");

/// The folder with the jars; fetches them on the first call of the machine.
pub fn jars() -> Result<&'static Path> {
    static JARS: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let fetched = JARS.get_or_init(|| fetch().map_err(|error| format!("{error:#}")));
    fetched.as_deref().map_err(|error| anyhow!(error.clone()))
}

fn fetch() -> Result<PathBuf> {
    needs("java", "-version", JDK)?;
    // The files' text marks a finished copy: another pom, for example after an update, fetches anew.
    let home = cached(&format!("kafka-{KAFKA_VERSION}"), &format!("{POM}{LOGGING}"), |home| {
        fs::write(home.join("log4j2.properties"), LOGGING).context("writing the logging configuration")?;
        copy_dependencies(POM, &[], home)
    })?;
    Ok(home.join("lib"))
}

/// The folder `name` of the cache, which `fill` fills once per machine and again when `mark` changes.
///
/// Test processes that run at the same time wait for each other on a lock file.
pub(crate) fn cached(name: &str, mark: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let home = cache_folder()?.join(name);
    fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
    let lock = File::create(home.join("lock")).context("creating the lock file of the cache")?;
    lock.lock().context("locking the cache")?;
    let done = home.join("done");
    if fs::read_to_string(&done).is_ok_and(|found| found == mark) {
        return Ok(home);
    }
    fill(&home)?;
    fs::write(done, mark).context("marking the cache as complete")?;
    Ok(home)
}

/// Empties the folder or makes it.
pub(crate) fn emptied(folder: &Path) -> Result<()> {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("emptying {}", folder.display()));
    }
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))
}

/// Fetches what `pom` depends on into `home/lib`.
pub(crate) fn copy_dependencies(pom: &str, arguments: &[&str], home: &Path) -> Result<()> {
    let (file, lib) = (home.join("pom.xml"), home.join("lib"));
    emptied(&lib)?;
    fs::write(&file, pom).context("writing the pom")?;
    let output = format!("-DoutputDirectory={}", lib.display());
    let file = file.display().to_string();
    let mut all = vec!["-f", &file, "dependency:copy-dependencies", &output];
    all.extend(arguments);
    maven(&all)
}

/// Runs Maven, quietly.
pub(crate) fn maven(arguments: &[&str]) -> Result<()> {
    needs("mvn", "-version", "maven")?;
    let maven = Command::new("mvn").args(["-q", "-B"]).args(arguments).output().context("running mvn")?;
    if maven.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&maven.stdout).into_owned() + &String::from_utf8_lossy(&maven.stderr);
    bail!("mvn {} failed: {}\n{said}", arguments.join(" "), maven.status)
}

/// Fails with the name of the Debian package when a program is missing.
pub(crate) fn needs(program: &str, argument: &str, package: &str) -> Result<()> {
    match Command::new(program).arg(argument).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => bail!("`{program} {argument}` failed: {}", output.status),
        Err(_) => {
            bail!("`{program}` is missing: install the Debian package {package} (all: apt-get install {JDK} maven)")
        }
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
        let error = needs("no-such-java", "-version", JDK).expect_err("it is missing");
        assert!(error.to_string().contains(JDK), "{error}");
    }

    #[test]
    fn the_pom_pins_the_version_of_the_cache_folder() {
        assert!(POM.contains(&format!("<kafka.version>{KAFKA_VERSION}</kafka.version>")));
    }
}
