//! The rules mean the same in each form.

use ns_sys::BpfInsn;
use oci_spec::runtime::LinuxDeviceCgroup;
use proptest::prelude::*;
use serde_json::json;

use super::exceptions::Exceptions;
use super::program::{code, compile};
use super::rules::{Access, Kind, Pattern, Rules};
use super::version_1::changes;

/// An access that the kernel asks about.
#[derive(Clone, Copy, Debug)]
struct Request {
    device: Pattern,
    access: Access,
}

fn requests() -> impl Iterator<Item = Request> {
    let accesses = [Access::MKNOD, Access::READ, Access::WRITE, Access::OPEN];
    let kinds = [Kind::Block, Kind::Char];
    accesses.into_iter().flat_map(move |access| {
        kinds.into_iter().flat_map(move |kind| {
            (0..16).map(move |number| Request {
                device: Pattern { kind, major: Some(number / 4), minor: Some(number % 4) },
                access,
            })
        })
    })
}

/// What the configuration says: of the rules that match, the last one decides, for each access alone.
fn is_allowed(rules: &[LinuxDeviceCgroup], request: Request) -> bool {
    let decides = |rule: &&LinuxDeviceCgroup, access: Access| {
        let kind = if request.device.kind == Kind::Block { "b" } else { "c" };
        let typ = serde_json::to_value(rule.typ()).expect("a type");
        let kinds = if typ == "u" { "c" } else { typ.as_str().unwrap_or("a") };
        let is = |number: Option<i64>, own: Option<u32>| {
            number.is_none_or(|number| number == -1 || Some(number) == own.map(i64::from))
        };
        (kinds == "a" || kinds == kind)
            && is(rule.major(), request.device.major)
            && is(rule.minor(), request.device.minor)
            && rule.access().as_ref().is_some_and(|text| text.contains(&access.to_string()))
    };
    [Access::READ, Access::WRITE, Access::MKNOD]
        .into_iter()
        .filter(|one| request.access.has(*one))
        .all(|access| {
            rules
                .iter()
                .rev()
                .find(|rule| decides(rule, access))
                .is_some_and(LinuxDeviceCgroup::allow)
        })
}

/// What the kernel answers in version 1 (security/device_cgroup.c).
fn version_1_allows(exceptions: &Exceptions, request: Request) -> bool {
    let mut matching =
        exceptions.list.iter().filter(|(pattern, _)| pattern.contains(&request.device));
    if exceptions.allow {
        !matching.any(|(_, access)| !access.and(request.access).is_empty())
    } else {
        matching.any(|(_, access)| access.has(request.access))
    }
}

/// What the program answers.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "registers keep the bits, and 32-bit operations the lower half"
)]
fn run(program: &[BpfInsn], request: Request) -> bool {
    let kind = if request.device.kind == Kind::Block { 1 } else { 2 };
    let numbers =
        [request.device.major, request.device.minor].map(|number| number.expect("a device"));
    let context = [kind | u32::from(request.access.0) << 16, numbers[0], numbers[1]];
    let mut registers = [0_u64; 11];
    let mut at = 0;
    loop {
        let one = program[at];
        let (to, from) = (usize::from(one.destination()), usize::from(one.source()));
        let constant = one.immediate();
        let low = registers[to] as u32;
        let mut is_jump = false;
        match one.code() {
            code::LOAD => {
                registers[to] =
                    context[usize::try_from(one.offset() / 4).expect("an index")].into();
            }
            code::COPY => registers[to] = (registers[from] as u32).into(),
            code::AND => registers[to] = (low & constant as u32).into(),
            code::SHIFT_RIGHT => registers[to] = (low >> constant).into(),
            code::SET => registers[to] = i64::from(constant) as u64,
            code::JUMP_IF_EQUAL => is_jump = registers[to] == i64::from(constant) as u64,
            code::JUMP_IF_NOT => is_jump = registers[to] != i64::from(constant) as u64,
            code::EXIT => return registers[0] == 1,
            other => panic!("unknown code {other:#x}"),
        }
        at += 1 + if is_jump { usize::try_from(one.offset()).expect("forward") } else { 0 };
    }
}

fn rule(json: serde_json::Value) -> LinuxDeviceCgroup {
    serde_json::from_value(json).expect("a rule")
}

fn any_rule() -> impl Strategy<Value = LinuxDeviceCgroup> {
    let number = || prop_oneof![Just(None), Just(Some(-1_i64)), (0..4_i64).prop_map(Some)];
    let access = proptest::sample::subsequence(vec!['r', 'w', 'm'], 1..=3);
    let typ = proptest::sample::select(vec!["a", "b", "c", "u"]);
    (any::<bool>(), typ, number(), number(), access).prop_map(|(allow, typ, major, minor, access)| {
        let access: String = access.into_iter().collect();
        rule(json!({"allow": allow, "type": typ, "major": major, "minor": minor, "access": access}))
    })
}

fn any_rules() -> impl Strategy<Value = Vec<LinuxDeviceCgroup>> {
    proptest::collection::vec(any_rule(), 0..8)
}

/// The state of a cgroup of version 1, changed as the kernel does.
fn write(state: &mut Exceptions, file: &str, line: &str) {
    let allow = file == "devices.allow";
    let Some((pattern, access)) = parsed(line) else {
        *state = Exceptions { allow, list: Vec::new() };
        return;
    };
    if allow == state.allow {
        let same = state.list.iter_mut().filter(|(other, _)| *other == pattern);
        same.for_each(|(_, present)| *present = present.without(access));
        state.list.retain(|(_, access)| !access.is_empty());
    } else {
        state.add(pattern, access);
    }
    state.list.sort_unstable();
}

fn parsed(line: &str) -> Option<(Pattern, Access)> {
    let (pattern, access) = line.rsplit_once(' ')?;
    let number = |text: &str| text.parse().ok();
    let (kind, numbers) = pattern.split_once(' ')?;
    let (major, minor) = numbers.split_once(':')?;
    let kind = if kind == "b" { Kind::Block } else { Kind::Char };
    Some((Pattern { kind, major: number(major), minor: number(minor) }, Access::parse(access)?))
}

/// `devices.list` of a cgroup of version 1.
fn listed(state: &Exceptions) -> String {
    if state.allow {
        return "a *:* rwm\n".to_owned();
    }
    state
        .list
        .iter()
        .map(|(pattern, access)| format!("{pattern} {access}\n"))
        .collect::<Vec<_>>()
        .concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn g07_the_program_of_version_2_answers_as_the_rules_say(rules in any_rules()) {
        let program = compile(&Rules::new(&rules).expect("valid rules"));
        for request in requests() {
            prop_assert_eq!(run(&program, request), is_allowed(&rules, request), "{:?}", request);
        }
    }

    #[test]
    fn g07_version_1_answers_as_the_rules_say_or_they_are_an_error(rules in any_rules()) {
        if let Ok(exceptions) = Rules::new(&rules).expect("valid rules").exceptions() {
            for request in requests() {
                let allowed = version_1_allows(&exceptions, request);
                prop_assert_eq!(allowed, is_allowed(&rules, request), "{:?} {:?}", request, exceptions);
            }
        }
    }

    /// From any state to any other, also from those that `devices.list` does not show.
    #[test]
    fn the_changes_of_version_1_lead_to_what_is_asked_for(from in any_rules(), to in any_rules()) {
        let state = |rules: &[LinuxDeviceCgroup]| Rules::new(rules).expect("valid rules").exceptions();
        if let (Ok(mut state), Ok(wanted)) = (state(&from), state(&to)) {
            let list = listed(&state);
            for (file, line) in changes(&list, &wanted) {
                write(&mut state, file, &line);
            }
            prop_assert_eq!(state, wanted);
        }
    }
}

#[test]
fn what_engines_send_is_a_list_without_order() {
    let rules = [
        rule(json!({"allow": false, "access": "rwm"})),
        rule(json!({"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"})),
        rule(json!({"allow": true, "type": "c", "major": 136, "access": "rwm"})),
        rule(json!({"allow": true, "type": "b", "access": "m"})),
        rule(json!({"allow": true, "type": "c", "major": 1, "minor": 3, "access": "r"})),
    ];
    let exceptions = Rules::new(&rules).expect("valid").exceptions().expect("no holes");
    assert_eq!(listed(&exceptions), "b *:* m\nc 1:3 rwm\nc 136:* rwm\n");
    let changes = changes("a *:* rwm\n", &exceptions);
    assert_eq!(changes[0], ("devices.deny", "a".to_owned()));
    assert_eq!(changes.len(), 4);
    let same = super::version_1::changes("b *:* m\nc 1:3 rwm\nc 136:* rwm\n", &exceptions);
    assert!(same.is_empty(), "{same:?}");
}

#[test]
fn g07_a_hole_in_a_wider_rule_is_an_error_of_version_1_alone() {
    let rules = [
        rule(json!({"allow": true, "type": "c", "major": 1, "access": "rwm"})),
        rule(json!({"allow": false, "type": "c", "major": 1, "minor": 3, "access": "w"})),
    ];
    let rules = Rules::new(&rules).expect("valid");
    let text = format!("{:#}", rules.exceptions().expect_err("a hole"));
    assert!(text.contains("refuse c 1:3 w") && text.contains("c 1:*"), "{text}");
}

/// What a later rule decides alone cannot be a hole.
#[test]
fn a_hole_that_a_later_rule_closes_is_no_error() {
    let device =
        |allow| rule(json!({"allow": allow, "type": "c", "major": 1, "minor": 3, "access": "rwm"}));
    let all = rule(json!({"allow": true, "type": "c", "major": 1, "access": "rwm"}));
    let rules = Rules::new(&[all, device(false), device(true)]).expect("valid");
    assert_eq!(listed(&rules.exceptions().expect("no hole")), "c 1:* rwm\nc 1:3 rwm\n");
}

#[test]
fn rules_that_name_no_device_or_access_are_errors() {
    for (json, part) in [
        (json!({"allow": true, "type": "p", "access": "r"}), "type p"),
        (json!({"allow": true, "type": "c"}), "letters"),
        (json!({"allow": true, "type": "c", "access": "rx"}), "\"rx\""),
        (json!({"allow": true, "type": "c", "major": -2, "access": "r"}), "-2"),
        (
            json!({"allow": true, "type": "c", "minor": 4_294_967_296_i64, "access": "r"}),
            "4294967296",
        ),
    ] {
        let text = format!("{:#}", Rules::new(&[rule(json)]).expect_err("invalid"));
        assert!(text.contains(part) && text.contains("linux.resources.devices[0]"), "{text}");
    }
}

/// A number that no device has is never equal to one that has the same lower bits.
#[test]
fn numbers_beyond_those_of_devices_match_nothing() {
    let rules =
        [rule(json!({"allow": true, "type": "c", "major": 4_294_967_295_u32, "access": "r"}))];
    let program = compile(&Rules::new(&rules).expect("valid"));
    assert!(requests().all(|request| !run(&program, request)));
}
