//! Servers and what went to them, on the server. Nothing of it waits in the outbox: whoever plans a request must know what is on record.

use super::Shared;
use crate::inventory::{Deliveries, Delivery, DeliveryFilter, Event, Kept, ServerRecord};

impl Deliveries for Shared {
    fn servers(&self) -> Kept<Vec<ServerRecord>> {
        self.ask(|server| server.servers())
    }

    fn put_server(&self, server: &ServerRecord, event: &Event) -> Kept<()> {
        self.ask(|store| store.put_server(server, event))
    }

    fn remove_server(&self, name: &str, event: &Event) -> Kept<bool> {
        self.ask(|server| server.remove_server(name, event))
    }

    fn deliveries(&self, filter: &DeliveryFilter) -> Kept<Vec<Delivery>> {
        self.ask(|server| server.deliveries(filter))
    }

    fn deliver(&self, earlier: Option<&Delivery>, later: &Delivery, event: Option<&Event>) -> Kept<()> {
        self.ask(|server| server.deliver(earlier, later, event))
    }
}
