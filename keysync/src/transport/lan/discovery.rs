//! Finding listeners, and being found (RFC 6762, RFC 6763).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mdns_sd::{Receiver, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};

use super::super::{ObjectBox, TransportError};
use super::listener::OwnName;
use super::name::{Instance, SERVICE};
use crate::limits;

/// Looks for listeners of one box.
pub(super) struct Finder {
    daemon: ServiceDaemon,
    events: Receiver<ServiceEvent>,
    target: ObjectBox,
    found: BTreeMap<Instance, Vec<SocketAddr>>,
}

impl Finder {
    pub(super) fn start(target: &ObjectBox) -> Result<Self, TransportError> {
        let daemon = ServiceDaemon::new().map_err(|error| TransportError::Io(error.to_string()))?;
        let events = daemon.browse(SERVICE).map_err(|error| TransportError::Io(error.to_string()))?;
        Ok(Self { daemon, events, target: target.clone(), found: BTreeMap::new() })
    }

    /// Who was found until now; where there is nobody but ourselves, the first one is waited for.
    pub(super) fn found(
        &mut self,
        patience: Duration,
        own: Option<OwnName>,
    ) -> Vec<(Instance, Vec<SocketAddr>)> {
        let until = Instant::now() + patience;
        // Strangers may announce without end.
        for _ in 0..limits::LAN_EVENTS {
            let left = until.saturating_duration_since(Instant::now());
            let is_alone = self.found.keys().all(|found| own == Some(OwnName(*found)));
            let wait = if is_alone { left } else { Duration::ZERO };
            match self.events.recv_timeout(wait) {
                Ok(event) => self.learn(event),
                Err(_) => break,
            }
        }
        self.found.iter().map(|(instance, addresses)| (*instance, addresses.clone())).collect()
    }

    fn learn(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                if let Some(instance) = Instance::recognise(&self.target, &service.fullname)
                    && (self.found.len() < limits::LAN_PEERS || self.found.contains_key(&instance))
                {
                    self.found.insert(instance, addresses(&service));
                }
            }
            ServiceEvent::ServiceRemoved(_, name) => {
                if let Some(instance) = Instance::recognise(&self.target, &name) {
                    self.found.remove(&instance);
                }
            }
            _ => {}
        }
    }
}

impl Drop for Finder {
    fn drop(&mut self) {
        // It ends with the process in any case.
        let _ = self.daemon.shutdown();
    }
}

/// Where a service can be reached, IPv4 first: it needs no interface named beside it.
fn addresses(service: &ResolvedService) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> =
        service.get_addresses().iter().map(|address| with_scope(address, service.get_port())).collect();
    addresses.sort_unstable_by_key(|address| (address.is_ipv6(), *address));
    addresses.truncate(limits::LAN_ADDRESSES);
    addresses
}

fn with_scope(address: &ScopedIp, port: u16) -> SocketAddr {
    let mut found = SocketAddr::new(address.to_ip_addr(), port);
    if let (SocketAddr::V6(found), ScopedIp::V6(scoped)) = (&mut found, address)
        && found.ip().is_unicast_link_local()
    {
        found.set_scope_id(scoped.scope_id().index);
    }
    found
}

/// A listener's name on the network, until this is dropped.
pub(super) struct Announcement {
    daemon: ServiceDaemon,
    name: String,
}

impl Announcement {
    pub(super) fn start(instance: &Instance, port: u16) -> Result<Self, TransportError> {
        let failed = |error: mdns_sd::Error| TransportError::Io(error.to_string());
        let daemon = ServiceDaemon::new().map_err(failed)?;
        let label = instance.label();
        // The host's own name stays unsaid.
        let host = format!("{label}.local.");
        let nothing: &[(&str, &str)] = &[];
        let service =
            ServiceInfo::new(SERVICE, &label, &host, "", port, nothing).map_err(failed)?.enable_addr_auto();
        let name = service.get_fullname().to_owned();
        daemon.register(service).map_err(failed)?;
        Ok(Self { daemon, name })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Others forget the name by themselves, only later.
        if let Ok(gone) = self.daemon.unregister(&self.name) {
            let _ = gone.recv_timeout(Duration::from_millis(500));
        }
        let _ = self.daemon.shutdown();
    }
}
