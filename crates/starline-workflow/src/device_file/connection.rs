//! The section `connection`.

use starline_types::Millis;

use super::settings::ConnectionSettings;
use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_VALUE, Report};

/// Reads the section, and the two fields of it that Galaxy has beside the others.
pub(super) fn read(device_fields: &mut Fields<'_>, device: &str, report: &mut Report) -> ConnectionSettings {
    let mut settings = ConnectionSettings::default();
    let section = device_fields.take("connection");
    let (galaxy_auto, galaxy_max) = (device_fields.alias("auto_connect"), device_fields.alias("max_retries"));
    let what = What::named("connection of device", device);
    let mut fields =
        section.and_then(|section| Fields::of(&section, what, "connection: { heartbeat: 5s }", report));
    let mut own = |name| fields.as_mut().and_then(|fields| fields.take(name));
    let auto = one_of(own("auto"), galaxy_auto, report);
    let max = one_of(own("max"), galaxy_max, report);
    let (base, cap) = (own("base"), own("cap"));
    let (heartbeat, lease) = (own("heartbeat"), own("lease"));
    if let Some(fields) = fields {
        fields.close(report);
    }
    if let Some(auto) = auto.and_then(|field| field.boolean(report)) {
        settings.auto = auto;
    }
    if let Some(max) = max.and_then(|field| field.whole(0, report)) {
        settings.max = max;
    }
    let mut all = true;
    let mut span = |field: Option<Field<'_>>, place: &mut Millis| {
        let Some(field) = field else { return };
        match positive(&field, report) {
            Some(span) => *place = span,
            None => all = false,
        }
    };
    span(base, &mut settings.base);
    span(cap, &mut settings.cap);
    span(heartbeat, &mut settings.heartbeat);
    span(lease, &mut settings.lease);
    if all {
        order(cap.or(base), &settings, report);
        lasting(lease.or(heartbeat), &settings, report);
    }
    settings
}

/// The field, or its Galaxy name; not both.
fn one_of<'t>(own: Option<Field<'t>>, alias: Option<Field<'t>>, report: &mut Report) -> Option<Field<'t>> {
    if let (Some(own), Some(alias)) = (own, alias) {
        alias.beside(&format!("connection.{}", own.name), report);
    }
    own.or(alias)
}

fn positive(field: &Field<'_>, report: &mut Report) -> Option<Millis> {
    let span = field.duration(report)?;
    if span == Millis::ZERO {
        field.wrong(field.value, "more than no time", report);
        return None;
    }
    Some(span)
}

/// Waits grow from the base to the cap.
fn order(at: Option<Field<'_>>, settings: &ConnectionSettings, report: &mut Report) {
    if let Some(field) = at.filter(|_| settings.cap < settings.base) {
        let ConnectionSettings { base, cap, .. } = settings;
        let message = format!("{} has the cap {cap}, which is less than the base {base}", field.what);
        report.add(field.value.mark(), INVALID_VALUE, message).hint(format!("write `cap: {base}` or more"));
    }
}

/// A lease outlives two lost signs of life.
fn lasting(at: Option<Field<'_>>, settings: &ConnectionSettings, report: &mut Report) {
    let ConnectionSettings { heartbeat, lease, .. } = settings;
    let least = ConnectionSettings::shortest_lease(*heartbeat);
    if let Some(field) = at.filter(|_| *lease < least) {
        let message = format!(
            "{} has the lease {lease}, which is less than three heartbeats of {heartbeat} and {}",
            field.what,
            ConnectionSettings::MARGIN
        );
        let hint = format!("write `lease: {least}` or more, or a shorter heartbeat");
        report.add(field.value.mark(), INVALID_VALUE, message).hint(hint);
    }
}
