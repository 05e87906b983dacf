//! A client's address: which proxies are believed, and whose window it fills.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use nova_auth_domain::{
    address::{ClientAddress, TrustedProxies},
    network::{NetworkFault, parse_network},
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::cases;

fn any_address() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits)));
    let v6 = any::<u128>().prop_map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits)));
    prop_oneof![v4, v6]
}

/// The bits of an address, from the first to the last.
fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(ip) => format!("{:032b}", ip.to_bits()),
        IpAddr::V6(ip) => format!("{:0128b}", ip.to_bits()),
    }
}

fn from_bits(bits: &str) -> IpAddr {
    match bits.len() {
        32 => Ipv4Addr::from_bits(u32::from_str_radix(bits, 2).unwrap()).into(),
        _ => Ipv6Addr::from_bits(u128::from_str_radix(bits, 2).unwrap()).into(),
    }
}

/// A network, and an address that has exactly so many of its first bits.
fn network_and_address() -> impl Strategy<Value = (IpAddr, usize, IpAddr)> {
    (any_address(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u128>()).prop_map(
        |(base, length, shared, noise)| {
            let base_bits = bits(base);
            let width = base_bits.len();
            let (length, shared) = (1 + length.index(width), shared.index(width + 1));
            let noise = format!("{noise:0128b}");
            let mut address = base_bits[..shared].to_owned();
            if shared < width {
                address.push(if base_bits.as_bytes()[shared] == b'0' { '1' } else { '0' });
                address.push_str(&noise[..width - shared - 1]);
            }
            (base, length, from_bits(&address))
        },
    )
}

fn trusted(networks: &str) -> TrustedProxies {
    TrustedProxies::parse(networks).unwrap()
}

fn known(address: IpAddr) -> ClientAddress {
    ClientAddress::Known(address.to_canonical())
}

fn is_mapped(address: IpAddr) -> bool {
    address != address.to_canonical()
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_proxy_is_believed_if_and_only_if_it_has_the_first_bits_of_a_network((base, length, peer) in network_and_address()) {
        prop_assume!(!is_mapped(base) && !is_mapped(peer));
        let client = "198.51.100.77".parse::<IpAddr>().unwrap();
        prop_assume!(peer != client);
        let list = trusted(&IpNet::new(base, u8::try_from(length).unwrap()).unwrap().trunc().to_string());
        let seen = ClientAddress::parse(&peer.to_string()).behind(&list, &[&client.to_string()]);
        let is_inside = bits(base)[..length] == bits(peer)[..length];
        prop_assert_eq!(seen, known(if is_inside { client } else { peer }), "{}/{} {}", base, length, peer);
    }

    #[test]
    fn whatever_a_client_writes_itself_changes_nothing(
        forged in vec("[ -~]{0,40}", 0..3),
        client in any_address(),
        proxies in vec(1_u8..255, 1..4),
        in_one_header in any::<bool>(),
    ) {
        prop_assume!(!known(client).to_string().starts_with("10."));
        // The last proxy is the peer; each of them appends whom it was called by.
        let mut hops: Vec<String> = vec![client.to_string()];
        hops.extend(proxies[1..].iter().map(|last| format!("10.0.0.{last}")));
        let peer = ClientAddress::parse(&format!("10.0.0.{}", proxies[0]));
        let mut headers = forged;
        match headers.last_mut() {
            Some(own) if in_one_header => *own = format!("{own}, {}", hops.join(", ")),
            _ => headers.push(hops.join(", ")),
        }
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        prop_assert_eq!(peer.behind(&trusted("10.0.0.0/8"), &headers), known(client));
        // From somebody who is no proxy of ours, nothing of it counts.
        prop_assert_eq!(known(client).behind(&trusted("10.0.0.0/8"), &headers), known(client));
    }

    #[test]
    fn two_clients_share_a_window_if_and_only_if_they_are_one_network((one, _, other) in network_and_address()) {
        prop_assume!(!is_mapped(one) && !is_mapped(other));
        let window = |address: IpAddr| ClientAddress::parse(&address.to_string()).window_name();
        let shared = if one.is_ipv4() { 32 } else { 64 };
        prop_assert_eq!(window(one) == window(other), bits(one)[..shared] == bits(other)[..shared]);
        if let IpAddr::V4(v4) = one {
            prop_assert_eq!(window(one), window(v4.to_ipv6_mapped().into()), "two spellings, two windows");
        }
    }

    /// Rules and settings read networks by one parser: what it takes is the network, and the slip is told from it.
    #[test]
    fn a_network_is_read_if_and_only_if_no_bit_behind_its_prefix_is_set((base, length, _) in network_and_address()) {
        prop_assume!(!is_mapped(base));
        let written = IpNet::new(base, u8::try_from(length).unwrap()).unwrap();
        let read = parse_network(&written.to_string());
        let clean = !bits(base)[length..].contains('1');
        prop_assert_eq!(read, if clean { Ok(written) } else { Err(NetworkFault::HostBits(written.trunc())) });
        prop_assert_eq!(parse_network(&written.trunc().to_string()), Ok(written.trunc()));
    }

    /// Whoever stands behind an element that nobody can read, it is not the proxy.
    #[test]
    fn the_client_is_never_a_trusted_proxy_that_passed_on_what_cannot_be_read(
        junk in "[a-z_]{1,8}|\\[[0-9.]{1,9}\\]|[0-9]{1,3}(\\.[0-9]{1,3}){0,2}",
        before in "[ -~]{0,20}",
        behind in vec(1_u8..255, 0..3),
        blanks in select(vec!["", ",", " , ,"]),
    ) {
        let mut hops = vec![before, junk];
        hops.extend(behind.iter().map(|last| format!("10.0.0.{last}{blanks}")));
        let seen = ClientAddress::parse("10.0.0.1").behind(&trusted("10.0.0.0/8"), &[&hops.join(",")]);
        prop_assert_eq!(seen, ClientAddress::Unknown);
    }

    #[test]
    fn no_list_of_proxies_trusts_everybody(
        entries in vec((any_address(), 0_u8..=140, prop::bool::weighted(0.9)), 1..4),
        blank in select(vec!["", " ", "\t"]),
    ) {
        let entries: Vec<_> = entries.into_iter().map(|(ip, length, clean)| {
            let network = IpNet::new(ip, length).ok();
            (network.filter(|_| clean).map_or(ip, |network| network.network()), length)
        }).collect();
        let list: Vec<String> = entries.iter().map(|(ip, length)| format!("{blank}{ip}/{length}{blank}")).collect();
        let is_fine = entries.iter().all(|(ip, length)| {
            let network = IpNet::new(*ip, *length);
            network.is_ok_and(|network| *length > 0 && network.trunc() == network)
        });
        prop_assert_eq!(TrustedProxies::parse(&list.join(",")).is_ok(), is_fine, "{:?}", list);
    }
}
