//! Compares the rules engine with a slow and simple evaluator, and live evaluation with evaluation after the call.
//!
//! The oracle tries every millisecond of a short conversation and answers each condition from its definition, with no automaton, no
//! time lines and no memory. `RULES_ORACLE_CASES` sets the number of random files and conversations.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use insights_core::live::Speaker;
use insights_core::rules::{Dialogue, LiveRules, RuleFile, RuleHit, Truth, Utterance, WordTime};
use insights_core::scale::Score;

const WORDS: [&str; 5] = ["alpha", "bravo", "delta", "gamma", "omega"];

/// Numbers from a seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: i64) -> i64 {
        (self.next() % limit as u64) as i64
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }
}

/// What a condition of the oracle looks for.
#[derive(Debug, Clone)]
enum Find {
    /// Words with a number of words that may stand before each of them but the first.
    Words(Vec<(usize, usize)>),
    Average {
        less: bool,
        limit: f64,
        over: i64,
    },
    Declining {
        over: i64,
    },
    Silence(i64),
    Overtalk(i64),
    Share {
        limit: f64,
        over: i64,
    },
    Duration(i64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Time {
    Whole,
    First(i64),
    Last(i64),
    FirstPercent(i64),
    LastPercent(i64),
    After(i64),
    Over(i64),
}

#[derive(Debug, Clone)]
struct Single {
    find: Find,
    /// Whose words: agent, customer, or `None` for both.
    by: Option<Speaker>,
    negated: bool,
    time: Time,
}

#[derive(Debug, Clone)]
enum Tree {
    Single(Single),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Sequence(Vec<Single>),
    Count {
        single: Single,
        at_least: bool,
        limit: usize,
    },
}

fn by_text(by: Option<Speaker>) -> String {
    by.map_or_else(String::new, |by| format!(", by = \"{}\"", by.name()))
}

impl Single {
    fn random(numbers: &mut Numbers, place: u8) -> Self {
        let by = [None, Some(Speaker::Agent), Some(Speaker::Customer)][numbers.below(3) as usize];
        let kind = numbers.below(10);
        let over = 5 + numbers.below(20);
        let find = match kind {
            5 => Find::Silence(1 + numbers.below(10)),
            6 => Find::Average {
                less: numbers.chance(50),
                limit: numbers.below(10) as f64 / 10.0,
                over,
            },
            7 => Find::Overtalk(1 + numbers.below(4)),
            8 => Find::Declining { over },
            9 if numbers.chance(50) => Find::Duration(numbers.below(60)),
            9 => Find::Share {
                limit: numbers.below(10) as f64 / 10.0,
                over,
            },
            _ => {
                let mut words = vec![(numbers.below(5) as usize, 0)];
                while words.len() < 3 && numbers.chance(35) {
                    words.push((numbers.below(5) as usize, numbers.below(3) as usize));
                }
                Find::Words(words)
            }
        };
        let is_words = matches!(find, Find::Words(_));
        let by = match find {
            Find::Silence(_) | Find::Overtalk(_) | Find::Duration(_) => None,
            Find::Share { .. } => Some(by.unwrap_or(Speaker::Agent)),
            _ => by,
        };
        let length = 3 + numbers.below(40);
        let time = match (place, numbers.below(8)) {
            (1, _) | (3, _) => Time::Whole,
            (2, 0..5) => Time::After(length),
            (2, _) => Time::Whole,
            (_, 0) => Time::First(length),
            (_, 1) => Time::Last(length),
            (_, 2) if numbers.chance(50) => Time::FirstPercent(1 + numbers.below(100)),
            (_, 2) => Time::LastPercent(1 + numbers.below(100)),
            (_, 3) if is_words => Time::Over(length),
            _ => Time::Whole,
        };
        Self {
            negated: is_words && (place == 0 || place == 2) && numbers.chance(35),
            find,
            by,
            time,
        }
    }

    fn head(&self) -> String {
        let not = if self.negated { "not_" } else { "" };
        let by = by_text(self.by);
        match &self.find {
            Find::Words(words) => {
                let phrase: Vec<String> = words
                    .iter()
                    .enumerate()
                    .map(|(number, (word, gap))| match (number, gap) {
                        (0, _) | (_, 0) => format!("={}", WORDS[*word]),
                        (_, gap) => format!("*{gap} ={}", WORDS[*word]),
                    })
                    .collect();
                format!("{not}said = [\"{}\"]{by}", phrase.join(" "))
            }
            Find::Average { less, limit, over } => {
                let sign = if *less { "<" } else { ">=" };
                format!("average = \"{sign} {limit}\", over = \"{over}ms\"{by}")
            }
            Find::Declining { over } => format!("trend = \"declining\", over = \"{over}ms\"{by}"),
            Find::Silence(length) => format!("silence = \">= {length}ms\""),
            Find::Overtalk(length) => format!("overtalk = \">= {length}ms\""),
            Find::Share { limit, over } => {
                format!("talk_share = \"> {limit}\", over = \"{over}ms\"{by}")
            }
            Find::Duration(length) => format!("duration = \">= {length}ms\""),
        }
    }

    fn time_text(&self) -> String {
        match self.time {
            Time::Whole => String::new(),
            Time::First(length) => format!(", within = \"first {length}ms\""),
            Time::Last(length) => format!(", within = \"last {length}ms\""),
            Time::FirstPercent(percent) => format!(", within = \"first {percent}%\""),
            Time::LastPercent(percent) => format!(", within = \"last {percent}%\""),
            Time::After(length) => format!(", within = \"{length}ms after\""),
            Time::Over(length) => format!(", over = \"{length}ms\""),
        }
    }

    fn text(&self) -> String {
        format!("{{ {}{} }}", self.head(), self.time_text())
    }
}

impl Tree {
    fn random(numbers: &mut Numbers, depth: u8) -> Self {
        match if depth > 1 { 0 } else { numbers.below(10) } {
            5 | 6 => Self::All(
                (0..2 + numbers.below(2))
                    .map(|_| Self::random(numbers, depth + 1))
                    .collect(),
            ),
            7 => Self::Any((0..2).map(|_| Self::random(numbers, depth + 1)).collect()),
            8 => Self::Not(Box::new(Self::random(numbers, depth + 1))),
            9 => Self::Sequence(
                (0..2 + numbers.below(2))
                    .map(|step| Single::random(numbers, if step == 0 { 1 } else { 2 }))
                    .collect(),
            ),
            4 => Self::Count {
                single: Single {
                    time: Single::random(numbers, 0).time,
                    ..Single::random(numbers, 3)
                },
                at_least: numbers.chance(60),
                limit: numbers.below(4) as usize,
            },
            _ => Self::Single(Single::random(numbers, 0)),
        }
    }

    fn text(&self) -> String {
        let list = |trees: &[Tree]| trees.iter().map(Tree::text).collect::<Vec<_>>().join(", ");
        match self {
            Self::Single(single) => single.text(),
            Self::All(trees) => format!("{{ all = [{}] }}", list(trees)),
            Self::Any(trees) => format!("{{ any = [{}] }}", list(trees)),
            Self::Not(tree) => format!("{{ not = {} }}", tree.text()),
            Self::Sequence(steps) => {
                let steps: Vec<String> = steps.iter().map(Single::text).collect();
                format!("{{ sequence = [{}] }}", steps.join(", "))
            }
            Self::Count {
                single,
                at_least,
                limit,
            } => {
                let sign = if *at_least { ">=" } else { "<" };
                format!(
                    "{{ count = {{ {} }}, is = \"{sign} {limit}\"{} }}",
                    single.head(),
                    single.time_text()
                )
            }
        }
    }
}

/// A random conversation of some hundred milliseconds; words have times of their own.
fn random_dialogue(numbers: &mut Numbers) -> Dialogue {
    let mut dialogue = Dialogue::default();
    let mut now = numbers.below(10);
    let mut end = now;
    for _ in 0..1 + numbers.below(8) {
        let count = 1 + numbers.below(5);
        let each = 1 + numbers.below(3);
        let mut text = String::new();
        let mut word_times = Vec::new();
        for number in 0..count {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(WORDS[numbers.below(5) as usize]);
            word_times.push(WordTime {
                until_character: text.len(),
                end: now + (number + 1) * each,
            });
        }
        let speaker = if numbers.chance(50) {
            Speaker::Agent
        } else {
            Speaker::Customer
        };
        let mut utterance = Utterance::new(speaker, now, now + count * each, text);
        utterance.word_times = word_times;
        if numbers.chance(85) {
            utterance.score = Some(Score::from_ten_thousandths(numbers.below(11) as u16 * 1000));
        }
        end = end.max(utterance.end);
        // The same words at the same time by the same speaker are a repeat.
        let is_repeat = dialogue.utterances.iter().any(|it| it.id == utterance.id);
        if !is_repeat {
            dialogue.utterances.push(utterance);
        }
        now = (now + numbers.below(25) - 4).max(0);
        if numbers.chance(60) {
            now = now.max(end + numbers.below(12));
        }
    }
    if numbers.chance(30) {
        let from = numbers.below(end + 1);
        dialogue.gaps.push((from, from + numbers.below(15)));
    }
    let first = dialogue
        .utterances
        .iter()
        .map(|it| it.start)
        .min()
        .unwrap_or(0);
    dialogue.facts.start = Some(first - numbers.below(3));
    dialogue.facts.end = Some(end + numbers.below(20));
    dialogue
}

/// What an answer may be at a moment, in this order: it does not hold, it waits and does not hold so far, it holds.
type Answers = [bool; 3];

const FALSE: Answers = [true, false, false];
const OPEN: Answers = [false, true, false];
const TRUE: Answers = [false, false, true];
const UNKNOWN: Answers = [true, false, true];
/// It waits, unless a gap has what makes it hold.
const OPEN_OR_TRUE: Answers = [false, true, true];

/// Combines each answer of the one with each of the other; "both hold" is as good as the worse one.
fn and(one: Answers, other: Answers) -> Answers {
    let mut both = [false; 3];
    for a in (0..3).filter(|a| one[*a]) {
        for b in (0..3).filter(|b| other[*b]) {
            both[a.min(b)] = true;
        }
    }
    both
}

fn not([fails, waits, holds]: Answers) -> Answers {
    [holds, waits, fails]
}

fn or(one: Answers, other: Answers) -> Answers {
    not(and(not(one), not(other)))
}

struct Oracle<'a> {
    dialogue: &'a Dialogue,
    start: i64,
    end: i64,
}

impl Oracle<'_> {
    fn gap(&self, from: i64, to: i64) -> bool {
        self.dialogue
            .gaps
            .iter()
            .any(|gap| gap.0 <= to && gap.1 >= from)
    }

    /// The times at which words were said, those over the same words once.
    fn moments(&self, single: &Single) -> Vec<i64> {
        let Find::Words(wanted) = &single.find else {
            return Vec::new();
        };
        let mut moments = Vec::new();
        for utterance in &self.dialogue.utterances {
            if single.by.is_some_and(|by| by != utterance.speaker) {
                continue;
            }
            let words: Vec<&str> = utterance.text.split(' ').collect();
            let mut places = Vec::new();
            for start in 0..words.len() {
                let mut ends = vec![start];
                for (number, (word, gap)) in wanted.iter().enumerate() {
                    let mut next = Vec::new();
                    for at in &ends {
                        for skipped in 0..=*gap {
                            if words.get(at + skipped) == Some(&WORDS[*word])
                                && (number > 0 || skipped == 0)
                            {
                                next.push(at + skipped + 1);
                            }
                        }
                    }
                    ends = next;
                }
                ends.sort_unstable();
                ends.dedup();
                places.extend(ends.into_iter().map(|end| (start, end)));
            }
            let mut last = 0;
            for (start, end) in places {
                if start >= last {
                    last = end;
                    moments.push(utterance.word_times[end - 1].end);
                }
            }
        }
        moments.sort_unstable();
        moments
    }

    fn speaks(&self, side: Option<Speaker>, now: i64) -> bool {
        self.dialogue.utterances.iter().any(|utterance| {
            side.is_none_or(|side| side == utterance.speaker)
                && utterance.start <= now
                && now <= utterance.end
        })
    }

    /// The ends of utterances at which a figure is measured, up to a moment, in order.
    fn measured(&self, single: &Single, now: i64) -> Vec<i64> {
        let is_share = matches!(single.find, Find::Share { .. });
        let mut ends: Vec<i64> = self
            .dialogue
            .utterances
            .iter()
            .filter(|it| {
                is_share && it.end > self.start
                    || !is_share
                        && it.score.is_some()
                        && single.by.is_none_or(|by| by == it.speaker)
            })
            .map(|it| it.end)
            .filter(|end| *end <= now)
            .collect();
        ends.sort_unstable();
        ends.dedup();
        ends
    }

    fn average(&self, single: &Single, over: i64, at: i64) -> f64 {
        let scores: Vec<u32> = self
            .dialogue
            .utterances
            .iter()
            .filter(|it| {
                single.by.is_none_or(|by| by == it.speaker) && it.end <= at && it.end >= at - over
            })
            .filter_map(|it| it.score.map(|score| u32::from(score.to_ten_thousandths())))
            .collect();
        f64::from(scores.iter().sum::<u32>()) / (scores.len() as f64 * 10_000.0)
    }

    /// Whether a state holds at a moment, whatever is missing.
    fn state(&self, single: &Single, now: i64) -> bool {
        let ends = self.measured(single, now);
        match &single.find {
            Find::Average { less, limit, over } => ends.last().is_some_and(|at| {
                let average = self.average(single, *over, *at);
                if *less {
                    average < *limit
                } else {
                    average >= *limit
                }
            }),
            Find::Declining { over } => ends.last().is_some_and(|at| {
                let before = ends
                    .len()
                    .checked_sub(2)
                    .map_or(0.5, |before| self.average(single, *over, ends[before]));
                self.average(single, *over, *at) - before < -0.05 - 1e-9
            }),
            Find::Share { limit, over } => ends.last().is_some_and(|at| {
                let from = (at - over).max(self.start);
                let talked = (from..*at)
                    .filter(|moment| {
                        self.speaks(single.by, *moment) && self.speaks(single.by, moment + 1)
                    })
                    .count();
                talked as f64 / (at - from) as f64 > *limit
            }),
            Find::Silence(length) => {
                let quiet_since = self
                    .dialogue
                    .utterances
                    .iter()
                    .filter(|it| it.start <= now)
                    .map(|it| it.end)
                    .max()
                    .unwrap_or(self.start)
                    .max(self.start);
                now - quiet_since >= *length
            }
            Find::Overtalk(length) => (now - length..=now).all(|moment| {
                self.speaks(Some(Speaker::Agent), moment)
                    && self.speaks(Some(Speaker::Customer), moment)
            }),
            Find::Duration(length) => now - self.start >= *length,
            Find::Words(_) => false,
        }
    }

    fn state_unknown(&self, single: &Single, from: i64, to: i64) -> bool {
        let ends = self.measured(single, from);
        let since = match &single.find {
            Find::Average { over, .. } | Find::Share { over, .. } => {
                ends.last().map(|at| at - over)
            }
            Find::Declining { over } => ends.len().checked_sub(2).map(|at| ends[at] - over),
            Find::Silence(length) | Find::Overtalk(length) => Some(from - length),
            Find::Duration(_) | Find::Words(_) => return false,
        };
        self.gap(since.unwrap_or(i64::MIN), to)
    }

    /// First moment, last moment so far, whether closed.
    fn range(&self, time: Time, now: i64, over: bool) -> Option<(i64, i64, bool)> {
        let percent =
            |percent: i64| ((self.end - self.start) as f64 * percent as f64 / 100.0).round() as i64;
        Some(match time {
            Time::Whole | Time::After(_) => (self.start, now, over),
            Time::First(length) => (
                self.start,
                now.min(self.start + length),
                over || now >= self.start + length,
            ),
            Time::Over(length) => (now - length + 1, now, true),
            _ if !over => return None,
            Time::Last(length) => ((self.end - length).max(self.start), self.end, true),
            Time::FirstPercent(part) => (self.start, self.start + percent(part), true),
            Time::LastPercent(part) => (self.end - percent(part), self.end, true),
        })
    }

    fn single(&self, single: &Single, now: i64, over: bool) -> Answers {
        let is_words = matches!(single.find, Find::Words(_));
        let answer = if !is_words && single.time == Time::Whole {
            if self.state_unknown(single, now, now) {
                UNKNOWN
            } else if self.state(single, now) {
                TRUE
            } else {
                FALSE
            }
        } else {
            match self.range(single.time, now, over) {
                None => OPEN,
                Some((from, to, closed)) => {
                    let (happened, lacking) = if is_words {
                        (
                            self.moments(single)
                                .iter()
                                .any(|at| *at >= from && *at <= to),
                            self.gap(from, to),
                        )
                    } else {
                        (
                            (from..=to).any(|at| self.state(single, at)),
                            self.state_unknown(single, from, to),
                        )
                    };
                    if happened && (is_words || !lacking) {
                        TRUE
                    } else if !closed && lacking {
                        OPEN_OR_TRUE
                    } else if !closed {
                        OPEN
                    } else if lacking {
                        UNKNOWN
                    } else {
                        FALSE
                    }
                }
            }
        };
        if single.negated { not(answer) } else { answer }
    }

    /// The moments at which a step begins after an anchor.
    fn beginnings(&self, single: &Single, after: i64, until: i64) -> Vec<i64> {
        match &single.find {
            Find::Words(_) => self
                .moments(single)
                .into_iter()
                .filter(|at| *at > after && *at <= until)
                .collect(),
            Find::Average { .. } | Find::Declining { .. } | Find::Share { .. } => self
                .measured(single, until)
                .into_iter()
                .filter(|at| *at > after && self.state(single, *at))
                .collect(),
            _ => (after + 1..=until)
                .filter(|at| {
                    self.state(single, *at) && (*at == self.start || !self.state(single, at - 1))
                })
                .collect(),
        }
    }

    fn sequence(&self, steps: &[Single], anchor: i64, now: i64, over: bool) -> Answers {
        let Some((step, rest)) = steps.split_first() else {
            return TRUE;
        };
        let (until, closed) = match step.time {
            Time::After(length) => (now.min(anchor + length), over || now >= anchor + length),
            _ => (now, over),
        };
        let is_words = matches!(step.find, Find::Words(_));
        let lacking = if is_words {
            self.gap(anchor + 1, until)
        } else {
            self.state_unknown(step, anchor, until)
        };
        let nothing_more = match (closed, lacking) {
            (false, false) => OPEN,
            (false, true) => OPEN_OR_TRUE,
            (true, true) => UNKNOWN,
            (true, false) => FALSE,
        };
        let begun = if is_words || !lacking {
            self.beginnings(step, anchor, until)
        } else {
            Vec::new()
        };
        if step.negated {
            let silent = if begun.is_empty() {
                not(nothing_more)
            } else {
                FALSE
            };
            let next = match step.time {
                Time::After(length) => anchor + length,
                _ => anchor,
            };
            return and(silent, self.sequence(rest, next, now, over));
        }
        begun.into_iter().fold(nothing_more, |any, at| {
            or(any, self.sequence(rest, at, now, over))
        })
    }

    fn answer(&self, tree: &Tree, now: i64, over: bool) -> Answers {
        match tree {
            Tree::Single(single) => self.single(single, now, over),
            Tree::All(trees) => trees
                .iter()
                .fold(TRUE, |all, tree| and(all, self.answer(tree, now, over))),
            Tree::Any(trees) => trees
                .iter()
                .fold(FALSE, |any, tree| or(any, self.answer(tree, now, over))),
            Tree::Not(tree) => not(self.answer(tree, now, over)),
            Tree::Sequence(steps) => self.sequence(steps, self.start - 1, now, over),
            Tree::Count {
                single,
                at_least,
                limit,
            } => {
                let Some((from, to, closed)) = self.range(single.time, now, over) else {
                    return OPEN;
                };
                let count = self.beginnings(single, from - 1, to).len();
                let is_words = matches!(single.find, Find::Words(_));
                let lacking = if is_words {
                    self.gap(from, to)
                } else {
                    self.state_unknown(single, from - 1, to)
                };
                // A state that is not known may have begun less often, too.
                let is_known = is_words || !lacking;
                let holds = (count >= *limit) == *at_least;
                if holds == *at_least && is_known {
                    return if holds { TRUE } else { FALSE };
                }
                match (closed, lacking) {
                    (false, false) => OPEN,
                    (false, true) if !is_known => [true; 3],
                    (false, true) if *at_least => OPEN_OR_TRUE,
                    (false, true) => not(OPEN_OR_TRUE),
                    (true, true) => UNKNOWN,
                    (true, false) if holds => TRUE,
                    (true, false) => FALSE,
                }
            }
        }
    }

    fn rule(&self, when: &Tree, unless: Option<&Tree>, now: i64, over: bool) -> Answers {
        let holds = self.answer(when, now, over);
        let Some(unless) = unless else { return holds };
        let [fails, waits, is_so] = self.answer(unless, now, over);
        let mut answers = [is_so, false, false];
        if fails || waits {
            for (answer, possible) in answers.iter_mut().zip(holds) {
                *answer |= possible;
            }
        }
        answers
    }

    /// The first moment at which a rule holds, and its answer at the end.
    fn evaluate(&self, when: &Tree, unless: Option<&Tree>) -> (Option<i64>, Truth) {
        let mut was_unknown = false;
        for now in self.start..=self.end {
            let answers = self.rule(when, unless, now, now == self.end);
            if answers == TRUE {
                return (Some(now), Truth::True);
            }
            was_unknown |= answers[2];
            assert!(now < self.end || !answers[1], "at the end nothing waits");
        }
        let answer = if was_unknown {
            Truth::Unknown
        } else {
            Truth::False
        };
        (None, answer)
    }
}

struct Case {
    rules: Vec<(Tree, Option<Tree>)>,
    text: String,
    file: RuleFile,
    dialogue: Dialogue,
}

fn random_case(numbers: &mut Numbers) -> Case {
    let rules: Vec<(Tree, Option<Tree>)> = (0..1 + numbers.below(3))
        .map(|_| {
            let unless = numbers.chance(20).then(|| Tree::random(numbers, 1));
            (Tree::random(numbers, 0), unless)
        })
        .collect();
    let mut text = String::new();
    for (number, (when, unless)) in rules.iter().enumerate() {
        text.push_str(&format!(
            "[[rule]]\nid = \"r{number}\"\nwhen = {}\n",
            when.text()
        ));
        if let Some(unless) = unless {
            text.push_str(&format!("unless = {}\n", unless.text()));
        }
    }
    let file = RuleFile::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Case {
        rules,
        text,
        file,
        dialogue: random_dialogue(numbers),
    }
}

fn cases() -> u64 {
    std::env::var("RULES_ORACLE_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(500)
}

fn shown(dialogue: &Dialogue) -> String {
    let lines: Vec<String> = dialogue
        .utterances
        .iter()
        .map(|it| {
            format!(
                "{:?} {}..{} {:?} {}",
                it.speaker,
                it.start,
                it.end,
                it.score.map(Score::get),
                it.text
            )
        })
        .collect();
    format!(
        "{:?} gaps {:?}\n{}",
        dialogue.facts,
        dialogue.gaps,
        lines.join("\n")
    )
}

#[test]
fn a_slow_and_simple_evaluator_agrees() {
    for seed in 0..cases() {
        let case = random_case(&mut Numbers(seed));
        let oracle = Oracle {
            dialogue: &case.dialogue,
            start: case.dialogue.facts.start.unwrap(),
            end: case.dialogue.facts.end.unwrap(),
        };
        let evaluation = case.file.evaluate(&case.dialogue);
        for (number, (when, unless)) in case.rules.iter().enumerate() {
            let id = format!("r{number}");
            let hit = evaluation
                .hits
                .iter()
                .find(|hit| hit.rule == id)
                .map(|hit| hit.at);
            let found = (hit, evaluation.answer(&id).unwrap());
            let expected = oracle.evaluate(when, unless.as_ref());
            assert_eq!(
                found,
                expected,
                "seed {seed}, {id}\n{}\n{}",
                case.text,
                shown(&case.dialogue)
            );
        }
    }
}

/// Evaluates live: utterances arrive in any order and in batches, some twice, and the state is stored and read between them.
fn evaluate_live(case: &Case, numbers: &mut Numbers) -> (Vec<RuleHit>, Vec<Truth>) {
    let mut order: Vec<&Utterance> = case.dialogue.utterances.iter().collect();
    for at in (1..order.len()).rev() {
        order.swap(at, numbers.below(at as i64 + 1) as usize);
    }
    let mut live = LiveRules::default();
    live.set_facts(case.dialogue.facts.clone());
    for (from, to) in &case.dialogue.gaps {
        live.add_gap(*from, *to);
    }
    let end = case.dialogue.facts.end.unwrap();
    let mut hits = Vec::new();
    let mut arrived = 0;
    while arrived < order.len() {
        let batch = 1 + numbers.below(3) as usize;
        for utterance in order.iter().skip(arrived).take(batch) {
            live.add(&case.file, utterance);
        }
        arrived = (arrived + batch).min(order.len());
        if numbers.chance(40) {
            live.add(&case.file, order[numbers.below(arrived as i64) as usize]);
        }
        // Everything that began before this has arrived.
        let complete_until = order[arrived..]
            .iter()
            .map(|it| it.start)
            .min()
            .unwrap_or(end)
            - 1;
        hits.extend(live.advance(&case.file, complete_until.min(end - 1)));
        if numbers.chance(30) {
            let stored = serde_json::to_string(&live).unwrap();
            live = serde_json::from_str(&stored).unwrap();
        }
    }
    let evaluation = live.finish(&case.file, Some(end));
    hits.extend(evaluation.hits);
    (
        hits,
        evaluation.answers.into_iter().map(|it| it.answer).collect(),
    )
}

#[test]
fn live_evaluation_in_any_order_gives_the_hits_of_evaluation_after_the_call() {
    for seed in 0..cases() {
        let numbers = &mut Numbers(seed ^ 0x5eed);
        let case = random_case(numbers);
        let (hits, answers) = evaluate_live(&case, numbers);
        let expected = case.file.evaluate(&case.dialogue);
        let expected_answers: Vec<Truth> = expected.answers.iter().map(|it| it.answer).collect();
        let context = format!("seed {seed}\n{}\n{}", case.text, shown(&case.dialogue));
        assert_eq!(answers, expected_answers, "{context}");
        assert_eq!(
            serde_json::to_string(&hits).unwrap(),
            serde_json::to_string(&expected.hits).unwrap(),
            "{context}"
        );
    }
}

#[test]
fn a_gap_takes_hits_away_and_invents_none() {
    let mut unknown = 0;
    for seed in 0..cases() {
        let numbers = &mut Numbers(seed ^ 0x9a9);
        let mut case = random_case(numbers);
        case.dialogue.gaps.clear();
        let full = case.file.evaluate(&case.dialogue);
        let mut gapped = case.dialogue.clone();
        let lost = gapped
            .utterances
            .remove(numbers.below(gapped.utterances.len() as i64) as usize);
        gapped.gaps.push((lost.start, lost.end));
        let partial = case.file.evaluate(&gapped);
        for (with, without) in full.answers.iter().zip(&partial.answers) {
            let context = || {
                format!(
                    "seed {seed}, {}\n{}\n{}\nlost {}..{}",
                    with.rule,
                    case.text,
                    shown(&case.dialogue),
                    lost.start,
                    lost.end
                )
            };
            match without.answer {
                Truth::Unknown => unknown += 1,
                answer => assert_eq!(answer, with.answer, "{}", context()),
            }
        }
        for hit in &partial.hits {
            let known = full.hits.iter().find(|known| known.rule == hit.rule);
            assert!(
                known.is_some_and(|known| known.at <= hit.at),
                "seed {seed} {hit:?}\n{}\n{}",
                case.text,
                shown(&case.dialogue)
            );
        }
    }
    assert!(unknown > 0, "the random gaps matter to some rules");
}
