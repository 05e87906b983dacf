//! Reading the answers of the services that still speak XML.

use roxmltree::{Document, Node};

use crate::place::call::Failed;

/// Every element of this name below the first one of that name, as `read` understands it.
pub(super) fn members<T>(
    text: &str,
    list: &str,
    read: impl Fn(&Element<'_, '_>) -> Option<T>,
) -> Result<Vec<T>, Failed> {
    let unreadable = || Failed::Other("an answer that is not understood".into());
    let document = Document::parse(text).map_err(|_| unreadable())?;
    let lists = document.descendants().filter(|node| node.tag_name().name() == list);
    let members = lists.flat_map(|list| list.children().filter(|node| node.tag_name().name() == "member"));
    members.map(|node| read(&Element(node)).ok_or_else(unreadable)).collect()
}

/// One member of a list.
pub(super) struct Element<'a, 'input>(Node<'a, 'input>);

impl Element<'_, '_> {
    /// The text of a child.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let child = self.0.children().find(|node| node.tag_name().name() == name)?;
        Some(child.text().unwrap_or_default().trim().to_owned())
    }

    /// How many members a list in it has.
    pub(super) fn count(&self, list: &str) -> usize {
        let lists = self.0.children().filter(|node| node.tag_name().name() == list);
        lists.flat_map(|list| list.children()).filter(|node| node.tag_name().name() == "member").count()
    }
}
