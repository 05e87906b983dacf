//! Networks as people write them, in rules and in settings: CIDR notation, read strictly.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkFault {
    /// It is neither an address nor CIDR notation. A leading zero is a fault too: `010` is 8 to some and 10 to others.
    Unreadable,
    /// It is an address inside this network, and not the network: one of the two is a slip.
    HostBits(IpNet),
}

/// Reads a network, or one address. A network of IPv4-mapped addresses is the IPv4 network that it maps: clients are met
/// by their IPv4 address.
pub fn parse_network(text: &str) -> Result<IpNet, NetworkFault> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| NetworkFault::Unreadable)?;
    let length = match length {
        Some(length) => prefix_length(length).ok_or(NetworkFault::Unreadable)?,
        None => IpNet::from(address).prefix_len(),
    };
    let network = canonical(IpNet::new(address, length).map_err(|_| NetworkFault::Unreadable)?);
    if network.trunc() == network { Ok(network) } else { Err(NetworkFault::HostBits(network.trunc())) }
}

/// Digits alone: `/+8` and `/08` are no length.
fn prefix_length(text: &str) -> Option<u8> {
    text.parse::<u8>().ok().filter(|length| length.to_string() == text)
}

fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    v4.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_one_spelling_of_each_number_and_no_host_bits() {
        for (text, network) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:0db8::7", "2001:db8::7/128"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(parse_network(text), Ok(network.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            "10.0.0.0/",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "[2001:db8::]/32",
            "fe80::1%eth0",
            " 10.0.0.0/8",
            "2001:db8::/129",
        ] {
            assert_eq!(parse_network(text), Err(NetworkFault::Unreadable), "{text}");
        }
        for (text, meant) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ] {
            assert_eq!(parse_network(text), Err(NetworkFault::HostBits(meant.parse().unwrap())), "{text}");
        }
    }
}
