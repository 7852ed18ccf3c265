//! Variables must have the type of the argument they stand in for: a metric typed with the wrong enum fails at WCL
//! (`docs/wcl.md`). async-graphql has the rule, but its rule runner never hands it a value, so it is checked here.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Selection, SelectionSet, Type, TypeKind, TypeSystemDefinition, VariableDefinition,
};
use async_graphql::{Positioned, ServerError, ServerResult};
use async_graphql_value::Value;

/// The name of a field's type, and the types of its arguments.
type Field = (String, HashMap<String, Type>);

/// The fields of every type of a schema.
#[derive(Debug, Default)]
pub(super) struct VariableTypes(HashMap<String, HashMap<String, Field>>);

impl VariableTypes {
    /// Reads the types from a schema's definition.
    pub(super) fn new(definition: &str) -> Self {
        let mut types: HashMap<String, HashMap<String, Field>> = HashMap::new();
        let definitions = parse_schema(definition).map(|schema| schema.definitions).unwrap_or_default();
        for definition in definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let TypeKind::Object(object) = definition.node.kind else { continue };
            let of_type = types.entry(definition.node.name.node.to_string()).or_default();
            for field in object.fields {
                let arguments = field.node.arguments.into_iter().map(|argument| argument.node);
                let arguments = arguments.map(|argument| (argument.name.node.to_string(), argument.ty.node)).collect();
                of_type.insert(field.node.name.node.to_string(), (base_name(&field.node.ty.node), arguments));
            }
        }
        Self(types)
    }

    /// Checks every use of a variable. Unknown types and fields are left to the validation that follows.
    pub(super) fn check(&self, document: &ExecutableDocument) -> ServerResult<()> {
        let operations = || document.operations.iter().map(|(_, operation)| &operation.node);
        let defined: Defined<'_> =
            operations().flat_map(|operation| &operation.variable_definitions).map(|variable| &variable.node).collect();
        if defined.is_empty() {
            return Ok(());
        }
        for operation in operations() {
            self.check_selection("Query", &operation.selection_set.node, &defined)?;
        }
        for fragment in document.fragments.values() {
            let on = fragment.node.type_condition.node.on.node.as_str();
            self.check_selection(on, &fragment.node.selection_set.node, &defined)?;
        }
        Ok(())
    }

    fn check_selection(&self, on: &str, selection: &SelectionSet, defined: &Defined<'_>) -> ServerResult<()> {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let known = self.0.get(on).and_then(|fields| fields.get(field.node.name.node.as_str()));
                    let Some((of_field, arguments)) = known else { continue };
                    for (name, value) in &field.node.arguments {
                        if let Some(expected) = arguments.get(name.node.as_str()) {
                            check_value(value, &value.node, expected, defined)?;
                        }
                    }
                    self.check_selection(of_field, &field.node.selection_set.node, defined)?;
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    self.check_selection(condition.unwrap_or(on), &fragment.node.selection_set.node, defined)?;
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }
}

type Defined<'d> = Vec<&'d VariableDefinition>;

fn check_value(at: &Positioned<Value>, value: &Value, expected: &Type, defined: &Defined<'_>) -> ServerResult<()> {
    match (value, &expected.base) {
        (Value::Variable(name), _) => {
            let Some(variable) = defined.iter().find(|variable| variable.name.node == *name) else {
                return Ok(());
            };
            let has_default = variable.default_value.is_some();
            if fits(&variable.var_type.node, expected, has_default) {
                return Ok(());
            }
            let have = &variable.var_type.node;
            let message =
                format!("Variable \"${name}\" of type \"{have}\" used in position expecting type \"{expected}\".");
            Err(ServerError::new(message, Some(at.pos)))
        }
        (Value::List(values), BaseType::List(element)) => {
            values.iter().try_for_each(|value| check_value(at, value, element, defined))
        }
        _ => Ok(()),
    }
}

/// Whether a variable of type `have` may stand where `expected` is wanted.
fn fits(have: &Type, expected: &Type, has_default: bool) -> bool {
    if have.nullable && !expected.nullable && !has_default {
        return false;
    }
    match (&have.base, &expected.base) {
        (BaseType::Named(have), BaseType::Named(expected)) => have == expected,
        (BaseType::List(have), BaseType::List(expected)) => fits(have, expected, false),
        _ => false,
    }
}

fn base_name(of: &Type) -> String {
    match &of.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(element) => base_name(element),
    }
}
