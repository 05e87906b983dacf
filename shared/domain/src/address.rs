//! Who is calling: the client's address behind trusted proxies, and the window of attempts that it fills.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use crate::network::parse_network;

/// The address of a client as the service saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAddress {
    /// An address; an IPv4-mapped IPv6 address is the IPv4 address that it maps.
    Known(IpAddr),
    /// API Gateway gave none that can be read (its console's test button does that). All of these are one client.
    Unknown,
}

impl ClientAddress {
    /// Reads API Gateway's `sourceIp`.
    #[must_use]
    pub fn parse(source_ip: &str) -> Self {
        source_ip.trim().parse::<IpAddr>().map_or(Self::Unknown, |ip| Self::Known(ip.to_canonical()))
    }

    /// The client behind trusted proxies: `forwarded_for` counts only where the peer is one of them, is read from
    /// its end, and the first address that is no trusted proxy is the client. Empty elements are none (RFC 9110, section
    /// 5.6.1.2). One that can't be read hides the client: it is unknown then, and not the proxy that passed it on.
    #[must_use]
    pub fn behind(self, trusted: &TrustedProxies, forwarded_for: &[&str]) -> Self {
        let mut client = self;
        let elements = forwarded_for.iter().rev().flat_map(|header| header.rsplit(','));
        for hop in elements.map(str::trim).filter(|element| !element.is_empty()) {
            if !trusted.contains(client) {
                break;
            }
            client = parse_hop(hop);
        }
        client
    }

    /// The name of the window that this client's attempts are counted in: an IPv6 client has a /64 to itself.
    #[must_use]
    pub fn window_name(self) -> String {
        match self {
            Self::Known(IpAddr::V4(ip)) => ip.to_string(),
            Self::Known(IpAddr::V6(ip)) => {
                let network = ip.to_bits() & !u128::from(u64::MAX);
                format!("{}/64", Ipv6Addr::from_bits(network))
            }
            Self::Unknown => "unknown".to_owned(),
        }
    }
}

impl ClientAddress {
    /// The network that it is in, as people are told of it: a /24, and a /48 of IPv6.
    #[must_use]
    pub fn network(self) -> Option<String> {
        let Self::Known(ip) = self else { return None };
        let length = if ip.is_ipv4() { 24 } else { 48 };
        IpNet::new(ip, length).ok().map(|network| network.trunc().to_string())
    }
}

impl std::fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(ip) => ip.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// One element of `X-Forwarded-For`. Some proxies write a port behind an address, and then brackets around IPv6.
fn parse_hop(hop: &str) -> ClientAddress {
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let address = hop
        .parse::<IpAddr>()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(bracketed);
    address.map_or(ClientAddress::Unknown, |address| ClientAddress::Known(address.to_canonical()))
}

/// The networks whose `X-Forwarded-For` is believed. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads a comma-separated list of networks in CIDR notation, or single addresses.
    ///
    /// # Errors
    /// The entry that is neither, or that trusts everybody.
    pub fn parse(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            // If everybody were trusted, the address that a client writes itself would count.
            parse_network(entry)
                .ok()
                .filter(|network| network.prefix_len() > 0)
                .ok_or_else(|| entry.to_owned())
        };
        Ok(Self(entries.map(network).collect::<Result<_, _>>()?))
    }

    fn contains(&self, client: ClientAddress) -> bool {
        match client {
            ClientAddress::Known(ip) => self.0.iter().any(|network| network.contains(&ip)),
            ClientAddress::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_a_network_and_not_an_address() {
        for (address, network) in [
            ("203.0.113.77", Some("203.0.113.0/24")),
            ("::ffff:203.0.113.77", Some("203.0.113.0/24")),
            ("2001:db8:7:9::1", Some("2001:db8:7::/48")),
            ("unknown", None),
        ] {
            assert_eq!(ClientAddress::parse(address).network().as_deref(), network, "{address}");
        }
    }

    fn client(peer: &str, trusted: &str, forwarded_for: &[&str]) -> String {
        let trusted = TrustedProxies::parse(trusted).unwrap();
        ClientAddress::parse(peer).behind(&trusted, forwarded_for).to_string()
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        assert_eq!(client("198.51.100.7", "", &["203.0.113.1"]), "198.51.100.7");
        assert_eq!(client("198.51.100.7", "10.0.0.0/8", &["203.0.113.1"]), "198.51.100.7");
    }

    #[test]
    fn behind_trusted_proxies_the_nearest_other_hop_is_the_client() {
        let chain = &["1.1.1.1, 203.0.113.1", "10.0.0.9"];
        assert_eq!(client("10.0.0.1", "10.0.0.0/8", chain), "203.0.113.1");
        assert_eq!(client("10.0.0.1", "10.0.0.0/8", &["203.0.113.1:443"]), "203.0.113.1");
    }

    #[test]
    fn an_ipv6_address_in_brackets_is_the_client_with_and_without_a_port() {
        for hop in ["[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::1", " [2001:db8::1] "] {
            assert_eq!(client("10.0.0.1", "10.0.0.0/8", &[hop]), "2001:db8::1", "{hop}");
        }
    }

    /// The proxy's own address may be on a list of rules, and is counted for everybody behind it.
    #[test]
    fn an_element_that_cannot_be_read_leaves_the_client_unknown_and_never_the_proxy() {
        for element in
            ["junk", "unknown", "_hidden", "10.0.0", "[203.0.113.1]", "203.0.113.1:99999", "\u{fffd}"]
        {
            let hops = format!("203.0.113.1, {element}");
            assert_eq!(client("10.0.0.1", "10.0.0.0/8", &[&hops]), "unknown", "{element}");
            assert_eq!(client("10.0.0.1", "10.0.0.0/8", &[&hops, "10.0.0.9"]), "unknown", "{element}");
        }
        // What stands beyond the client is the client's own text.
        assert_eq!(client("10.0.0.1", "10.0.0.0/8", &["junk, 203.0.113.1"]), "203.0.113.1");
    }

    #[test]
    fn an_empty_element_is_skipped() {
        for hops in ["203.0.113.9,, 10.2.3.4", "203.0.113.9, 10.2.3.4,", "203.0.113.9, \t,10.2.3.4, ,"] {
            assert_eq!(client("10.0.0.1", "10.0.0.0/8", &[hops]), "203.0.113.9", "{hops}");
        }
        assert_eq!(client("10.0.0.1", "10.0.0.0/8", &["", ","]), "10.0.0.1");
    }

    #[test]
    fn an_ipv6_client_cannot_fill_a_window_for_each_of_its_addresses() {
        let window = |ip| ClientAddress::parse(ip).window_name();
        assert_eq!(window("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(window("2001:db8:1:2::1"), window("2001:db8:1:2:ffff::"));
        assert_eq!(window("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(window("test-invoke-source-ip"), "unknown");
    }

    #[test]
    fn a_proxy_list_with_a_typo_is_named() {
        for entry in [
            "10.0.0.0/99",
            "0.0.0.0/0",
            "::/0",
            "::ffff:0:0/96",
            "10.1.2.3/8",
            "2001:db8::1/32",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "10.0.0.0/8;192.168.0.0/16",
        ] {
            assert_eq!(TrustedProxies::parse(&format!("10.0.0.0/8, {entry}")), Err(entry.to_owned()));
        }
    }

    #[test]
    fn an_ipv4_mapped_proxy_is_the_ipv4_proxy() {
        for trusted in ["::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "::ffff:a00:1/128"] {
            for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
                assert_eq!(client(peer, trusted, &["203.0.113.1"]), "203.0.113.1", "{trusted} {peer}");
            }
        }
    }
}
