//! Parses a phrase as it is written in a rule.

/// Largest length of a phrase in bytes, after its named parts were filled in.
const MAX_BYTES: usize = 1 << 20;
/// Largest depth of brackets inside brackets.
const MAX_DEPTH: usize = 16;
/// Number of words that a `*` may stand for, where the phrase names no number.
const DEFAULT_GAP: u8 = 3;

/// A phrase as a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// One word of the text.
    Word(WordPattern),
    /// Any words of the same clause, up to a number.
    Gap(u8),
    /// The next word may be the first one of a clause.
    Comma,
    /// The place where a clause begins.
    ClauseStart,
    /// The place where a clause ends.
    ClauseEnd,
    /// All of these nodes in a row.
    Sequence(Vec<Node>),
    /// Exactly one of these nodes.
    Either(Vec<Node>),
    /// This node, or nothing at all.
    Optional(Box<Node>),
}

impl Node {
    /// Returns the largest number of words that the node can cover.
    pub(super) fn max_words(&self) -> usize {
        match self {
            Self::Word(_) => 1,
            Self::Gap(words) => usize::from(*words),
            Self::Comma | Self::ClauseStart | Self::ClauseEnd => 0,
            Self::Sequence(nodes) => nodes.iter().map(Self::max_words).sum(),
            Self::Either(nodes) => nodes.iter().map(Self::max_words).max().unwrap_or(0),
            Self::Optional(node) => node.max_words(),
        }
    }
}

/// What one word of a text must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum WordPattern {
    /// This word or one of its forms, also with one typing error: `complaint`.
    Forms(String),
    /// Exactly this word: `=legal`.
    Exact(String),
    /// This word or one of its forms, unless it is written like a name: `sue/verb`.
    Verb(String),
    /// Any word that begins so: `lawyer*`.
    Prefix(String),
    /// Any word that ends so: `*ed`.
    Suffix(String),
    /// Any number in digits: `#`.
    Number,
}

/// The reason why a phrase cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhrase {
    /// The phrase has no word.
    #[error("it has no word")]
    Empty,
    /// The phrase, or one of its alternatives, begins with a gap or may match nothing.
    #[error("it must begin with a word, and `$` may only stand at its end")]
    NoFirstWord,
    /// The phrase is too long or nested too deeply.
    #[error("it is too long, or its brackets are nested too deeply")]
    TooLarge,
    /// A bracket is not closed, or closed and not opened.
    #[error("a bracket is not closed, or was not opened")]
    Brackets,
    /// A word holds a character that means nothing in a word.
    #[error(
        "a word holds a character that is not allowed; write `word`, `=word`, `word/verb`, `word*`, `*word`, `*`, `*5`, `#`, `,`, `^`, `$`, `(a|b)` or `[a|b]`"
    )]
    Word,
}

/// Parses the text of a phrase.
pub(super) fn parse(phrase: &str) -> Result<Node, InvalidPhrase> {
    if phrase.len() > MAX_BYTES {
        return Err(InvalidPhrase::TooLarge);
    }
    let mut parser = Parser { rest: phrase };
    let node = parser.alternatives(0)?;
    if parser.rest.is_empty() {
        Ok(node)
    } else {
        Err(InvalidPhrase::Brackets)
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// Parses sequences separated by `|`, up to a closing bracket or the end.
    fn alternatives(&mut self, depth: usize) -> Result<Node, InvalidPhrase> {
        if depth > MAX_DEPTH {
            return Err(InvalidPhrase::TooLarge);
        }
        let mut alternatives = vec![self.sequence(depth)?];
        while let Some(rest) = self.rest.strip_prefix('|') {
            self.rest = rest;
            alternatives.push(self.sequence(depth)?);
        }
        Ok(match alternatives.len() {
            1 => alternatives.remove(0),
            _ => Node::Either(alternatives),
        })
    }

    fn sequence(&mut self, depth: usize) -> Result<Node, InvalidPhrase> {
        let mut nodes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                None | Some('|' | ')' | ']') => break,
                Some('(') => nodes.push(self.bracket(')', depth)?),
                Some('[') => nodes.push(Node::Optional(Box::new(self.bracket(']', depth)?))),
                Some(_) => nodes.push(self.item()?),
            }
        }
        match nodes.len() {
            0 => Err(InvalidPhrase::Empty),
            1 => Ok(nodes.remove(0)),
            _ => Ok(Node::Sequence(nodes)),
        }
    }

    fn bracket(&mut self, closing: char, depth: usize) -> Result<Node, InvalidPhrase> {
        self.rest = &self.rest[1..];
        let inside = self.alternatives(depth + 1)?;
        self.rest = self
            .rest
            .strip_prefix(closing)
            .ok_or(InvalidPhrase::Brackets)?;
        Ok(inside)
    }

    /// Parses what stands between blanks and brackets.
    fn item(&mut self) -> Result<Node, InvalidPhrase> {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | '[' | ']'))
            .unwrap_or(self.rest.len());
        let (item, rest) = self.rest.split_at(end);
        self.rest = rest;
        let word = |word: &str, pattern: fn(String) -> WordPattern| {
            let is_word =
                !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '\'');
            if is_word {
                Ok(Node::Word(pattern(word.to_lowercase())))
            } else {
                Err(InvalidPhrase::Word)
            }
        };
        match item {
            "^" => return Ok(Node::ClauseStart),
            "$" => return Ok(Node::ClauseEnd),
            "#" => return Ok(Node::Word(WordPattern::Number)),
            "*" => return Ok(Node::Gap(DEFAULT_GAP)),
            "," => return Ok(Node::Comma),
            _ => {}
        }
        if let Some(exact) = item.strip_prefix('=') {
            word(exact, WordPattern::Exact)
        } else if let Some(verb) = item.strip_suffix("/verb") {
            word(verb, WordPattern::Verb)
        } else if let Some(prefix) = item.strip_suffix('*') {
            word(prefix, WordPattern::Prefix)
        } else if let Some(after) = item.strip_prefix('*') {
            match after.parse() {
                Ok(words @ 1..=9) => Ok(Node::Gap(words)),
                _ => word(after, WordPattern::Suffix),
            }
        } else {
            word(item, WordPattern::Forms)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> Node {
        Node::Word(WordPattern::Forms(text.to_owned()))
    }

    #[test]
    fn each_sign_has_its_meaning() {
        assert_eq!(
            parse("^ Cancel * (account|my contract) [now]").unwrap(),
            Node::Sequence(vec![
                Node::ClauseStart,
                word("cancel"),
                Node::Gap(DEFAULT_GAP),
                Node::Either(vec![
                    word("account"),
                    Node::Sequence(vec![word("my"), word("contract")])
                ]),
                Node::Optional(Box::new(word("now"))),
            ])
        );
        assert_eq!(
            parse("=legal sue/verb law* *ed # *2 , $").unwrap(),
            Node::Sequence(vec![
                Node::Word(WordPattern::Exact("legal".into())),
                Node::Word(WordPattern::Verb("sue".into())),
                Node::Word(WordPattern::Prefix("law".into())),
                Node::Word(WordPattern::Suffix("ed".into())),
                Node::Word(WordPattern::Number),
                Node::Gap(2),
                Node::Comma,
                Node::ClauseEnd,
            ])
        );
    }

    #[test]
    fn what_is_wrong_has_its_own_error() {
        for (phrase, error) in [
            ("", InvalidPhrase::Empty),
            ("(a|)", InvalidPhrase::Empty),
            ("(a", InvalidPhrase::Brackets),
            ("(a]", InvalidPhrase::Brackets),
            ("a)", InvalidPhrase::Brackets),
            ("a-b", InvalidPhrase::Word),
            ("=", InvalidPhrase::Word),
            ("a,", InvalidPhrase::Word),
            ("a **", InvalidPhrase::Word),
        ] {
            assert_eq!(parse(phrase), Err(error), "{phrase}");
        }
        assert_eq!(parse(&"(".repeat(40)), Err(InvalidPhrase::TooLarge));
        assert_eq!(
            parse(&"a ".repeat(MAX_BYTES / 2 + 1)),
            Err(InvalidPhrase::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn no_phrase_makes_it_panic(phrase in "[a-c*=/|()\\[\\]#^$ \\PC]{0,40}") {
            let _ = parse(&phrase);
        }
    }
}
