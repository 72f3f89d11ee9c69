//! The JSON Schema of everything that `--json` prints, generated from the reports (`docs/schema.json`).

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::forecast::ForecastList;
use super::lists::{BatchList, EventList, RowList, TokenList};
use super::{
    AssignListReport, AssignReport, BatchEvent, BatchPlanReport, BurnReport, CheckReport, CodeReport, CompareReport,
    ConvertReport, CopyReport, CounterCodeReport, DeskEvent, DesksReport, DeviceReport, DisplayReport, DoctorReport,
    EmulatedReport, ExportReport, FailureReport, FilesReport, ForgetReport, HandOverReport, HotpReport, ImportReport,
    InfoReport, InitReport, JoinReport, KeyFileReport, MendedByHandReport, PlanReport, PruneReport, PullReport,
    ReaderEvent, ReadersReport, ResyncReport, SCHEMA, SeedsCheckReport, SelftestReport, ServeInitReport,
    ServerAddReport, ServerCheckReport, ServerConfirmReport, ServerListReport, ServerRemoveReport, ShowReport,
    SlotBatchReport, SlotsReport, SlotsWrittenReport, VerifyReport, WriteReport,
};

/// The shapes of one command: what stands in `command`, and a schema for each.
struct Command {
    name: &'static str,
    shapes: Vec<Value>,
}

/// The schema: one object, of one of the shapes that its command has, or a failure.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let commands = commands(&mut generator);
    let failure = shape::<FailureReport>(&mut generator);
    let of_command = |command: Command| {
        let shapes: Vec<Value> = command.shapes.into_iter().chain([failure.clone()]).map(closed).collect();
        json!({
            "if": { "properties": { "command": { "const": command.name } }, "required": ["command"] },
            "then": { "anyOf": shapes },
        })
    };
    let names: Vec<&str> = commands.iter().map(|command| command.name).collect();
    let properties = json!({ "schema": { "const": SCHEMA }, "command": { "enum": names } });
    let all: Vec<Value> = commands.into_iter().map(of_command).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What tokentap prints with --json, one object a line",
        "type": "object",
        "properties": properties,
        "required": ["schema", "command"],
        "allOf": all,
        "$defs": generator.take_definitions(true),
    })
}

/// A shape that may have `schema` and `command` beside its own fields, and nothing else.
fn closed(shape: Value) -> Value {
    json!({ "allOf": [shape], "properties": { "schema": true, "command": true }, "unevaluatedProperties": false })
}

fn shape<R: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<R>().to_value()
}

/// All commands with their shapes.
fn commands(generator: &mut SchemaGenerator) -> Vec<Command> {
    let mut one = |name, shapes: &[fn(&mut SchemaGenerator) -> Value]| Command {
        name,
        shapes: shapes.iter().map(|shape| shape(generator)).collect(),
    };
    vec![
        one("tokentap", &[]),
        one("readers", &[shape::<ReadersReport>]),
        one("info", &[shape::<InfoReport>, shape::<SlotsReport>]),
        one("sync", &[shape::<WriteReport>, shape::<PlanReport>, shape::<SlotsWrittenReport>]),
        one("config", &[shape::<WriteReport>, shape::<PlanReport>]),
        one("burn", &[shape::<BurnReport>, shape::<PlanReport>]),
        one("slot", &[shape::<WriteReport>, shape::<PlanReport>, shape::<DeviceReport>]),
        one("lock", &[shape::<DeviceReport>]),
        one("unlock", &[shape::<DeviceReport>]),
        one("customer-key", &[shape::<DeviceReport>, shape::<KeyFileReport>]),
        one("factory-reset", &[shape::<DeviceReport>]),
        one("verify", &[shape::<VerifyReport>, shape::<HotpReport>]),
        one("code", &[shape::<CodeReport>, shape::<CounterCodeReport>]),
        one("batch", &[shape::<BatchEvent>, shape::<ReaderEvent>, shape::<BatchPlanReport>, shape::<SlotBatchReport>]),
        one("desk", &[shape::<DeskEvent>, shape::<ReaderEvent>]),
        one("seeds", &[shape::<SeedsCheckReport>, shape::<ConvertReport>, shape::<FilesReport>]),
        one(
            "inventory",
            &[
                shape::<TokenList>,
                shape::<EventList>,
                shape::<BatchList>,
                shape::<RowList>,
                shape::<ShowReport>,
                shape::<ForecastList>,
                shape::<AssignReport>,
                shape::<AssignListReport>,
                shape::<CheckReport>,
                shape::<InitReport>,
                shape::<FilesReport>,
                shape::<ForgetReport>,
                shape::<ExportReport>,
                shape::<ImportReport>,
                shape::<CopyReport>,
                shape::<ServeInitReport>,
                shape::<JoinReport>,
                shape::<DesksReport>,
                shape::<PruneReport>,
            ],
        ),
        one(
            "server",
            &[
                shape::<ServerAddReport>,
                shape::<ServerListReport>,
                shape::<ServerRemoveReport>,
                shape::<ServerCheckReport>,
                shape::<ResyncReport>,
                shape::<PullReport>,
                shape::<CompareReport>,
                shape::<MendedByHandReport>,
                shape::<ServerConfirmReport>,
            ],
        ),
        one("hand-over", &[shape::<HandOverReport>]),
        one("doctor", &[shape::<DoctorReport>]),
        one("selftest", &[shape::<SelftestReport>]),
        one("emulate", &[shape::<EmulatedReport>, shape::<DisplayReport>]),
        one("man", &[]),
        one("completions", &[]),
    ]
}

/// The schema as a document.
#[must_use]
pub fn document() -> String {
    let schema: Map<String, Value> = schema().as_object().cloned().unwrap_or_default();
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    format!("{text}\n")
}
