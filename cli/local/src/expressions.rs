//! What DynamoDB refuses of an expression for its size, before the database's own parser sees it.
//!
//! That parser calls itself for each part of an expression. Within these limits it needs a stack that a thread of its own
//! gives it; beyond them one request could end the whole of `nova local`.

use serde_json::Value;

/// Operators and functions of one expression.
const MOST_OPERATORS: usize = 300;

/// Bytes of one expression.
const LONGEST: usize = 4096;

/// Bytes of one PartiQL statement.
const LONGEST_STATEMENT: usize = 8192;

/// Longer ones get a thread of their own.
const SHORT: usize = 256;

/// Its stack. Nothing of it is used but what is needed.
const STACK: usize = 128 * 1024 * 1024;

const FUNCTIONS: [&str; 8] = [
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "if_not_exists",
    "list_append",
    "size",
];

/// What the expressions of a request are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expressions {
    /// There are none, or short ones.
    Short,
    /// Some are long, and none too long.
    Long,
}

/// Looks at every expression of a request.
///
/// # Errors
/// What DynamoDB says of the first one that is too long.
pub(crate) fn check(body: &[u8]) -> Result<Expressions, String> {
    // What is no JSON is refused by whoever reads it next.
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut found = Expressions::Short;
    walk(&request, &mut found)?;
    Ok(found)
}

/// Runs what reads such expressions.
///
/// # Errors
/// There is no thread to run it on.
pub(crate) fn run<T: Send>(expressions: Expressions, work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    if expressions == Expressions::Short {
        return Ok(work());
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        thread.join().map_err(|_| std::io::Error::other("the database gave up"))
    })
}

fn walk(value: &Value, found: &mut Expressions) -> Result<(), String> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, member)| match member {
            Value::String(text) if name.ends_with("Expression") => {
                note(text, found);
                check_one(text).map_err(|problem| format!("Invalid {name}: {problem}"))
            }
            Value::String(text) if name == "Statement" => {
                note(text, found);
                if text.len() > LONGEST_STATEMENT {
                    return Err("Statement is longer than 8192 characters".to_owned());
                }
                Ok(())
            }
            other => walk(other, found),
        }),
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, found)),
        _ => Ok(()),
    }
}

fn note(text: &str, found: &mut Expressions) {
    if text.len() > SHORT {
        *found = Expressions::Long;
    }
}

fn check_one(expression: &str) -> Result<(), String> {
    if expression.len() > LONGEST {
        let size = expression.len();
        return Err(format!(
            "Expression size has exceeded the maximum allowed size; expression size: {size}"
        ));
    }
    let operators = operators(expression);
    if operators > MOST_OPERATORS {
        return Err(format!("The expression has more than 300 operators; operator count: {operators}"));
    }
    // Each pair that is not redundant, which DynamoDB refuses, stands around an operator.
    if depth(expression) > MOST_OPERATORS + 1 {
        return Err("The expression has redundant parentheses".to_owned());
    }
    Ok(())
}

/// Comparators, `AND`, `OR`, `NOT`, `IN`, `BETWEEN` with its `AND` as one, functions, and the sums of an update. An assignment
/// (`SET a = :b`) is none.
fn operators(expression: &str) -> usize {
    let words = words(expression);
    let is_update = words.first().is_some_and(|word| {
        ["SET", "REMOVE", "ADD", "DELETE"].iter().any(|clause| word.eq_ignore_ascii_case(clause))
    });
    let (mut count, mut between) = (0_usize, 0_usize);
    for (place, word) in words.iter().enumerate() {
        let opens = words.get(place + 1).is_some_and(|next| *next == "(");
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        if is("BETWEEN") {
            between += 1;
            count += 1;
        } else if is("AND") && between > 0 {
            between -= 1;
        } else if ["AND", "OR", "NOT", "IN"].iter().any(|name| is(name))
            || ["<", "<=", ">", ">=", "<>", "+", "-"].contains(word)
            || *word == "=" && !is_update
            || opens && FUNCTIONS.contains(word)
        {
            count += 1;
        }
    }
    count
}

fn depth(expression: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in expression.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Names with their marks (`#a`, `:b`, `c.d`), comparators, and every other character by itself.
fn words(expression: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_alphanumeric() || "_#:.".contains(c);
        let end = if is_name(first) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else if ["<=", ">=", "<>"].iter().any(|two| rest.starts_with(two)) {
            2
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn joined(parts: usize, part: &str, by: &str) -> String {
        vec![part; parts].join(by)
    }

    fn refused(request: &Value) -> Option<String> {
        check(request.to_string().as_bytes()).err()
    }

    #[test]
    fn what_dynamodb_counts_as_operators_is_counted() {
        for (expression, count) in [
            ("a = :a", 1),
            ("a=:a AND b<>:b", 3),
            ("attribute_not_exists(pk)", 1),
            ("NOT (a <= :a OR size (b) > :c)", 5),
            ("a BETWEEN :b AND :c and d IN (:e, :f)", 3),
            ("#and = :or", 1),
            ("size = :size", 1),
            ("SET a = :a, b = b + :one, c = if_not_exists(c, :none) REMOVE d", 2),
            ("ADD places :place", 0),
            ("pk, sk, #name.part[3]", 0),
        ] {
            assert_eq!(operators(expression), count, "{expression}");
        }
    }

    #[test]
    fn an_expression_of_300_operators_passes_and_one_of_301_is_refused_wherever_it_stands() {
        // 150 comparisons, 149 times AND, and one NOT.
        let passes = format!("NOT {}", joined(150, "a=:a", " AND "));
        let beyond = format!("NOT {passes}");
        assert_eq!((operators(&passes), operators(&beyond)), (300, 301));
        for place in ["ConditionExpression", "FilterExpression", "KeyConditionExpression"] {
            assert_eq!(refused(&json!({ place: passes })), None);
            let said = refused(&json!({ place: beyond })).unwrap();
            let expected =
                format!("Invalid {place}: The expression has more than 300 operators; operator count: 301");
            assert_eq!(said, expected);
        }
        let inside = json!({"TransactItems": [{"Put": {"Item": {}, "ConditionExpression": beyond}}]});
        assert!(refused(&inside).is_some());
    }

    #[test]
    fn an_expression_of_4_kib_passes_and_one_byte_more_is_refused() {
        let long = |bytes: usize| format!("a = :{}", "b".repeat(bytes - 5));
        assert_eq!(refused(&json!({"ConditionExpression": long(4096)})), None);
        let said = refused(&json!({"UpdateExpression": long(4097)})).unwrap();
        assert!(
            said.ends_with("Expression size has exceeded the maximum allowed size; expression size: 4097")
        );
        assert!(refused(&json!({"ProjectionExpression": long(4097)})).is_some());
    }

    #[test]
    fn parentheses_around_nothing_more_are_refused_and_an_items_own_text_is_not_looked_at() {
        let nested = |depth: usize| format!("{}a = :a{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(refused(&json!({"ConditionExpression": nested(20)})), None);
        assert!(refused(&json!({"ConditionExpression": nested(302)})).is_some());
        let item = json!({"Item": {"ConditionExpression": {"S": nested(400)}}});
        assert_eq!(refused(&item), None);
    }

    #[test]
    fn long_expressions_alone_are_read_on_a_thread_of_their_own() {
        let here = std::thread::current().id();
        let on = |expressions| run(expressions, || std::thread::current().id()).unwrap();
        assert_eq!(on(Expressions::Short), here);
        assert_ne!(on(Expressions::Long), here);
        assert_eq!(check(br#"{"ConditionExpression": "a = :a"}"#), Ok(Expressions::Short));
        let long = json!({"ConditionExpression": joined(100, "a=:a", " AND ")}).to_string();
        assert_eq!(check(long.as_bytes()), Ok(Expressions::Long));
        assert_eq!(check(b"{"), Ok(Expressions::Short));
    }
}
