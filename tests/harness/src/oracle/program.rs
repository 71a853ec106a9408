//! The Java program of tests/oracle: compiled once per machine, beside the jars that it is compiled against.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::kafka::{JDK, KAFKA_VERSION, cached, emptied, jars, needs};

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../oracle/src/sluice/oracle/", $name)))),*]
    };
}

const SOURCES: [(&str, &str); 9] = sources![
    "Oracle.java",
    "Transforms.java",
    "Converters.java",
    "Mirror.java",
    "Strings.java",
    "RecordJson.java",
    "SchemaJson.java",
    "ValueJson.java",
    "Failure.java",
];

/// The command that starts the program with `further` folders of jars behind Kafka's.
pub(super) fn command(further: &[&Path]) -> Result<Command> {
    let (classes, lib) = (classes()?, jars()?);
    let mut class_path = OsString::from(classes);
    for folder in [lib].iter().chain(further) {
        class_path.push(":");
        class_path.push(folder.join("*"));
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", "java", "-Xmx512m", "-XX:+UseSerialGC", "-Dlog4j2.level=OFF"])
        .args(["-Duser.timezone=UTC", "-Duser.language=en", "-Duser.country=US", "-Dfile.encoding=UTF-8", "-Xss8m"])
        .arg("-cp")
        .arg(class_path)
        .arg("sluice.oracle.Oracle");
    Ok(command)
}

fn classes() -> Result<PathBuf> {
    needs("javac", "-version", JDK)?;
    let lib = jars()?;
    let mark: String = SOURCES.iter().map(|(_, text)| *text).collect();
    let home = cached(&format!("kafka-{KAFKA_VERSION}/oracle"), &mark, |home| compile(home, lib))?;
    Ok(home.join("classes"))
}

fn compile(home: &Path, lib: &Path) -> Result<()> {
    let (source, classes) = (home.join("src"), home.join("classes"));
    emptied(&source)?;
    emptied(&classes)?;
    for (name, text) in SOURCES {
        fs::write(source.join(name), text).with_context(|| format!("writing {name}"))?;
    }
    let compiler = Command::new("javac")
        .args(["-nowarn", "-proc:none", "--release", "17", "-d"])
        .arg(&classes)
        .arg("-cp")
        .arg(lib.join("*"))
        .args(SOURCES.map(|(name, _)| source.join(name)))
        .output()
        .context("running javac")?;
    ensure!(compiler.status.success(), "javac failed:\n{}", String::from_utf8_lossy(&compiler.stderr));
    Ok(())
}
