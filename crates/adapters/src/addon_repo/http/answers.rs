//! What a git server answers over HTTP (gitprotocol-http, gitprotocol-pack, version 0), read without trust.

use anyhow::{Context, bail};
use git2::Oid;

use super::pkt_line::{Line, take};

/// The head of a repository's list of references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisement {
    /// Where the branch that was asked for is; `None` where there is no such branch.
    pub tip: Option<Oid>,
    capabilities: Vec<String>,
}

impl Advertisement {
    /// Whether the server names this ability.
    pub fn is_able(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|own| own == capability)
    }
}

/// Reads the answer to `info/refs?service=…`.
///
/// # Errors
/// When it is none, or the server tells an error instead.
pub fn advertisement(body: &[u8], service: &str, reference: &str) -> anyhow::Result<Advertisement> {
    let mut rest = body;
    let announced = format!("# service={service}");
    match take(&mut rest)? {
        Some(Line::Data(line)) if text(line) == announced => {}
        Some(Line::Data(line)) => return Err(told_error(line).unwrap_or_else(not_git)),
        _ => return Err(not_git()),
    }
    let mut found = Advertisement { tip: None, capabilities: Vec::new() };
    anyhow::ensure!(take(&mut rest)? == Some(Line::Flush), "an announcement that does not end");
    let mut is_first = true;
    loop {
        let line = match take(&mut rest)?.context("a list of references that breaks off")? {
            Line::Flush => break,
            Line::Data(line) => line,
        };
        if let Some(error) = told_error(line) {
            return Err(error);
        }
        // Behind the first reference stands what the server is able to.
        let end = line.iter().position(|byte| *byte == 0).filter(|_| is_first);
        let (line, capabilities) = end.map_or((line, None), |end| (&line[..end], Some(&line[end + 1..])));
        if let Some(capabilities) = capabilities {
            found.capabilities = text(capabilities).split(' ').map(str::to_owned).collect();
            is_first = false;
        }
        if let Some((id, name)) = text(line).split_once(' ')
            && name == reference
        {
            anyhow::ensure!(id.len() == 40, "a reference without an id");
            found.tip = Some(Oid::from_str(id).context("a reference without an id")?);
        }
    }
    let format = found.capabilities.iter().find_map(|own| own.strip_prefix("object-format="));
    anyhow::ensure!(format.is_none_or(|format| format == "sha1"), "the repository's ids are not SHA-1");
    Ok(found)
}

/// What stands in one line of an answer in bands (`side-band-64k`).
#[derive(Debug, PartialEq, Eq)]
pub enum Band<'a> {
    /// The answer itself.
    Data(&'a [u8]),
    /// Words for the person who waits.
    Words(&'a [u8]),
    /// Neither: the end, or a step of the negotiation.
    Other,
}

/// Takes one line off an answer in bands; `None` where not all of it is there yet.
///
/// # Errors
/// When it is no line, or the server tells an error in it.
pub fn take_band<'a>(bytes: &mut &'a [u8]) -> anyhow::Result<Option<Band<'a>>> {
    Ok(match take(bytes)? {
        None => None,
        Some(Line::Flush | Line::Data([])) => Some(Band::Other),
        Some(Line::Data([1, data @ ..])) => Some(Band::Data(data)),
        Some(Line::Data([2, words @ ..])) => Some(Band::Words(words)),
        Some(Line::Data([3, error @ ..])) => bail!(Told(text(error).into_owned())),
        Some(Line::Data(line)) => match told_error(line) {
            Some(error) => return Err(error),
            None => Some(Band::Other),
        },
    })
}

/// How a push ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Report {
    /// The branch moved.
    Moved,
    /// It did not, for this reason.
    Refused(String),
}

/// Reads the report on a push (`report-status`).
///
/// # Errors
/// When it is none.
pub fn report(mut bytes: &[u8], reference: &str) -> anyhow::Result<Report> {
    let mut is_unpacked = false;
    while let Some(Line::Data(line)) = take(&mut bytes)? {
        let line = text(line);
        if let Some(result) = line.strip_prefix("unpack ") {
            if result != "ok" {
                return Ok(Report::Refused(format!("unpacking failed: {result}")));
            }
            is_unpacked = true;
        } else if line.strip_prefix("ok ").is_some_and(|name| name == reference) && is_unpacked {
            return Ok(Report::Moved);
        } else if let Some(refused) = line.strip_prefix("ng ") {
            let reason = refused.strip_prefix(reference).unwrap_or(refused).trim_start();
            return Ok(Report::Refused(reason.to_owned()));
        }
    }
    bail!("the server does not tell how the push ended")
}

/// An error in the server's own words, which may hold anything.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Told(pub String);

fn told_error(line: &[u8]) -> Option<anyhow::Error> {
    let line = text(line);
    line.strip_prefix("ERR ").map(|told| Told(told.to_owned()).into())
}

fn not_git() -> anyhow::Error {
    anyhow::anyhow!("the answer is not a git server's")
}

/// A line as text, without its line feed.
fn text(line: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line))
}

/// Reads `bytes` as every kind of answer: for those who try the readers with any bytes.
pub fn read_all(bytes: &[u8]) {
    let reference = "refs/heads/main";
    drop(advertisement(bytes, "git-receive-pack", reference));
    drop(report(bytes, reference));
    let mut rest = bytes;
    while let Ok(Some(_)) = take_band(&mut rest) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pkt_line::{FLUSH, line};
    use super::*;

    const ID: &str = "1234567890123456789012345678901234567890";

    fn list(lines: &[&str]) -> Vec<u8> {
        let lines = lines.iter().flat_map(|text| line(text));
        line("# service=git-receive-pack\n")
            .into_iter()
            .chain(FLUSH.to_vec())
            .chain(lines)
            .chain(FLUSH.to_vec())
            .collect()
    }

    fn read(body: &[u8]) -> anyhow::Result<Advertisement> {
        advertisement(body, "git-receive-pack", "refs/heads/main")
    }

    #[test]
    fn the_branch_and_the_abilities_are_found() {
        let other = format!("{ID} refs/heads/main2\0report-status no-thin object-format=sha1\n");
        let found = read(&list(&[&other, &format!("{ID} refs/heads/main\n")])).unwrap();
        assert_eq!(found.tip, Some(Oid::from_str(ID).unwrap()));
        assert!(found.is_able("no-thin") && !found.is_able("thin"));
        let empty = read(&list(&[&format!("{:040} capabilities^{{}}\0report-status", 0)])).unwrap();
        assert!(empty.tip.is_none() && empty.is_able("report-status"));
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        let whole = list(&[&format!("{ID} refs/heads/main\0report-status\n")]);
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end} of {} bytes", whole.len());
        }
        for odd in ["1234 refs/heads/main\0", "zz34567890123456789012345678901234567890 refs/heads/main\0", "ERR gone"]
        {
            assert!(read(&list(&[odd])).is_err(), "{odd}");
        }
        assert!(read(&list(&[&format!("{ID} x\0object-format=sha256")])).is_err());
        assert!(read(b"<html>").is_err() && read(&line("# service=git-upload-pack")).is_err());
    }

    #[test]
    fn a_report_is_read_by_the_branch_it_is_on() {
        let read =
            |lines: &[&str]| report(&lines.iter().flat_map(|text| line(text)).collect::<Vec<_>>(), "refs/heads/main");
        assert_eq!(read(&["unpack ok\n", "ok refs/heads/main\n"]).unwrap(), Report::Moved);
        assert_eq!(
            read(&["unpack ok\n", "ng refs/heads/main hook declined\n"]).unwrap(),
            Report::Refused("hook declined".to_owned())
        );
        assert!(matches!(read(&["unpack index-pack abnormal exit\n"]).unwrap(), Report::Refused(_)));
        for odd in [&["ok refs/heads/main\n"][..], &["unpack ok\n"], &["unpack ok\n", "ok refs/heads/other\n"], &[]] {
            assert!(read(odd).is_err(), "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_bring_a_reader_down(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = bytes.as_slice();
            while let Ok(Some(_)) = take_band(&mut rest) {}
            prop_assert!(rest.len() <= bytes.len());
            prop_assert!(read(&bytes).is_err() && report(&bytes, "refs/heads/main").is_err());
        }

        #[test]
        fn no_bytes_behind_a_good_beginning_do(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let begun = [&line("# service=git-receive-pack\n"), FLUSH, &line(&format!("{ID} x\0y")), &bytes].concat();
            if let Ok(found) = read(&begun) {
                prop_assert!(found.is_able("y") && found.tip.is_none());
            }
        }
    }
}
