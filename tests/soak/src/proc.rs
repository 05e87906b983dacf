//! What Linux says of the processes of a `nova local`, and the signal that ends one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process; with the moment of its start, since numbers are used again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) id: u32,
    /// In ticks since the machine began.
    pub(crate) born: u64,
    /// The name of its program.
    pub(crate) name: String,
}

/// Parent and start of a process.
fn stat(id: u32) -> Option<(u32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    Some((parent, fields.nth(17)?.parse().ok()?))
}

/// The processes that this one has started and that still run.
pub(crate) fn children(of: u32) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter_map(|id| {
            let (parent, born) = stat(id)?;
            let program = fs::read_link(format!("/proc/{id}/exe")).ok()?;
            let name = program.file_name()?.to_str()?.to_owned();
            (parent == of).then_some(Process { id, born, name })
        })
        .collect()
}

impl Process {
    /// Whether it is still there, and still the same.
    pub(crate) fn is_there(&self) -> bool {
        stat(self.id).is_some_and(|(_, born)| born == self.born)
    }

    /// Ends it as the kernel does when memory is short. Only a child of that process, and only if it is still the same.
    pub(crate) fn kill(&self, parent: u32) -> bool {
        let is_ours = stat(self.id) == Some((parent, self.born));
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw);
        is_ours && id.is_some_and(|id| kill_process(id, Signal::KILL).is_ok())
    }
}

/// Asks a process to end, as an operating system does.
pub(crate) fn terminate(id: u32) -> bool {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    id.is_some_and(|id| kill_process(id, Signal::TERM).is_ok())
}

/// What a process has at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    /// Memory of its own that is resident, in bytes: not the pages of its program, which come and go with what else the machine does.
    pub(crate) memory: u64,
    /// Open file descriptors.
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
}

/// What a process holds; `None` if it has ended.
pub(crate) fn holds(id: u32) -> Option<Holds> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    let descriptors = u64::try_from(fs::read_dir(format!("/proc/{id}/fd")).ok()?.count()).ok()?;
    Some(Holds { memory: field("RssAnon:")? * 1024, descriptors, threads: field("Threads:")? })
}

/// What a process has open, by kind, and how many of each: of a leak, this says what leaks.
pub(crate) fn open(id: u32) -> BTreeMap<String, u64> {
    let connections = connections();
    let own: BTreeSet<String> = links("self").collect();
    let mut kinds = BTreeMap::new();
    for link in links(&id.to_string()) {
        let connection = connections.iter().find(|connection| connection.socket == link);
        let kind = match connection {
            Some(connection) if connection.state == LISTENING => "listening".to_owned(),
            Some(Connection { ends: [here, there], state, .. }) => {
                let other = connections.iter().find(|other| other.ends == [there.clone(), here.clone()]);
                let whose = match other {
                    Some(other) if own.contains(&other.socket) => "with a client of the soak",
                    Some(_) => "with another process",
                    None => "with nobody",
                };
                format!("connection of {here}, in state {state}, {whose}")
            }
            None => link.split_once(':').map_or(link.as_str(), |(kind, _)| kind).to_owned(),
        };
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// The state of a socket that waits for connections, as Linux says it.
const LISTENING: &str = "0A";

struct Connection {
    /// Its own address and the other's.
    ends: [String; 2],
    state: String,
    socket: String,
}

fn connections() -> Vec<Connection> {
    let text = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let read = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (here, there, state) = (fields.get(1)?, fields.get(2)?, fields.get(3)?);
        let socket = format!("socket:[{}]", fields.get(9)?);
        Some(Connection { ends: [readable(here)?, readable(there)?], state: (*state).to_owned(), socket })
    };
    text.lines().skip(1).filter_map(read).collect()
}

/// An address with its port in decimal.
fn readable(end: &str) -> Option<String> {
    let (address, port) = end.rsplit_once(':')?;
    Some(format!("{address}:{}", u16::from_str_radix(port, 16).ok()?))
}

/// Where the descriptors of a process lead.
fn links(of: &str) -> impl Iterator<Item = String> {
    let open = fs::read_dir(format!("/proc/{of}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string()))
}

/// Which of these processes has the connection whose own port is this one.
pub(crate) fn owner_of(port: u16, among: &[Process]) -> Option<Process> {
    let connections = fs::read_to_string("/proc/net/tcp").ok()?;
    let socket = connections.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let own = fields.get(1)?.rsplit_once(':')?.1;
        let is_it = u16::from_str_radix(own, 16) == Ok(port);
        fields.get(9).filter(|inode| is_it && **inode != "0").map(|inode| format!("socket:[{inode}]"))
    })?;
    let has_it = |process: &&Process| {
        let open = fs::read_dir(format!("/proc/{}/fd", process.id)).into_iter().flatten().flatten();
        open.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == &*socket))
    };
    among.iter().find(has_it).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_holds_something() {
        let (parent, born) = stat(std::process::id()).unwrap();
        let own = children(parent).into_iter().find(|process| process.id == std::process::id()).unwrap();
        assert_eq!(own.born, born);
        assert!(own.is_there());
        assert!(!Process { born: born + 1, ..own }.is_there(), "another one with its number is not it");
        let holds = holds(std::process::id()).unwrap();
        assert!(holds.memory > 100_000 && holds.descriptors >= 3 && holds.threads >= 1);
    }

    #[test]
    fn what_is_open_is_told_by_its_kind() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let _server = listener.accept().unwrap();
        let kinds = open(std::process::id());
        assert!(kinds["listening"] >= 1, "{kinds:?}");
        let ours = format!(":{}, in state 01, with a client of the soak", address.port());
        assert_eq!(kinds.keys().filter(|kind| kind.ends_with(&ours)).count(), 1, "{kinds:?}");
    }

    #[test]
    fn whose_a_connection_is_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (id, name) = (std::process::id(), "own".to_owned());
        let own = Process { id, born: stat(id).unwrap().1, name };
        let port = client.local_addr().unwrap().port();
        assert_eq!(owner_of(port, std::slice::from_ref(&own)), Some(own));
        assert_eq!(owner_of(port, &[]), None);
    }
}
