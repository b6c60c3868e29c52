//! Nesting spans, whatever their parents claim.

use std::collections::{HashMap, HashSet};

use super::answer::{SpanView, Tree, TreeNode};

/// Levels that are nested; what lies deeper is counted. A level costs two of JSON, of which common parsers
/// take 128.
const MAX_LEVELS: usize = 48;

/// Nests `spans`, whose parents are `parents`, without recursion.
///
/// A span whose parent is missing is a root and marked so; a circle is cut at its earliest span, which is
/// marked too. Roots and children keep the order of `spans`.
pub(super) fn build(spans: &[SpanView], parents: &[Option<String>], partial: bool) -> Tree {
    let index: HashMap<&str, usize> =
        spans.iter().enumerate().map(|(index, span)| (span.span_id.as_str(), index)).collect();
    let parent_of: Vec<Option<usize>> =
        parents.iter().map(|parent| parent.as_deref().and_then(|id| index.get(id)).copied()).collect();
    let nest = nest(&parent_of);
    let mut steps = Vec::with_capacity(spans.len());
    reach(&mut steps, &nest.roots, &nest.children);
    let mark = |span: usize| Mark {
        missing_parent: !partial
            && parent_of[span].is_none()
            && parents[span].is_some()
            && !spans[span].parent_remote,
        cycle: nest.cut.contains(&span),
    };
    Tree { roots: assemble(spans, &steps, mark), partial }
}

/// Which spans are inside which, by their places: each is a root or in just one other, and no circle is left.
pub(super) struct Nest {
    pub(super) children: Vec<Vec<usize>>,
    pub(super) roots: Vec<usize>,
    /// The roots that were cut off the circle that they were in.
    cut: HashSet<usize>,
}

/// Nests spans whose parents are at these places. A circle is cut at its earliest span.
pub(super) fn nest(parent_of: &[Option<usize>]) -> Nest {
    let mut nest =
        Nest { children: vec![Vec::new(); parent_of.len()], roots: Vec::new(), cut: HashSet::new() };
    for (index, parent) in parent_of.iter().enumerate() {
        match parent {
            Some(parent) => nest.children[*parent].push(index),
            None => nest.roots.push(index),
        }
    }
    let mut reached = vec![false; parent_of.len()];
    let mark = |from: &[usize], children: &[Vec<usize>], reached: &mut [bool]| {
        let mut ahead = from.to_vec();
        while let Some(index) = ahead.pop() {
            reached[index] = true;
            ahead.extend(&children[index]);
        }
    };
    mark(&nest.roots, &nest.children, &mut reached);
    for index in 0..parent_of.len() {
        // Whatever no root reaches hangs on a circle.
        if !reached[index] {
            let entry = earliest_of_circle(index, parent_of);
            if let Some(parent) = parent_of[entry] {
                nest.children[parent].retain(|child| *child != entry);
            }
            nest.cut.insert(entry);
            nest.roots.push(entry);
            mark(&[entry], &nest.children, &mut reached);
        }
    }
    nest
}

/// What is odd about a span's place.
struct Mark {
    missing_parent: bool,
    cycle: bool,
}

/// A span on the walk from the roots down.
struct Step {
    span: usize,
    level: usize,
    /// The step of its parent.
    parent: Option<usize>,
}

/// Appends all that can be reached from `roots`, parents before children, siblings in order.
fn reach(steps: &mut Vec<Step>, roots: &[usize], children: &[Vec<usize>]) {
    let mut next = steps.len();
    steps.extend(roots.iter().map(|span| Step { span: *span, level: 1, parent: None }));
    while next < steps.len() {
        let (span, level) = (steps[next].span, steps[next].level + 1);
        steps.extend(children[span].iter().map(|child| Step { span: *child, level, parent: Some(next) }));
        next += 1;
    }
}

fn earliest_of_circle(start: usize, parent_of: &[Option<usize>]) -> usize {
    let mut seen = HashSet::new();
    let mut at = start;
    while seen.insert(at) {
        match parent_of[at] {
            Some(parent) => at = parent,
            None => return start,
        }
    }
    let mut earliest = at;
    let mut on = parent_of[at];
    while let Some(next) = on.filter(|next| *next != at) {
        earliest = earliest.min(next);
        on = parent_of[next];
    }
    earliest
}

/// Builds nodes from the last step to the first, so that every node's children are done before it.
fn assemble(spans: &[SpanView], steps: &[Step], mark: impl Fn(usize) -> Mark) -> Vec<TreeNode> {
    let mut children: Vec<Vec<TreeNode>> = steps.iter().map(|_| Vec::new()).collect();
    let mut hidden = vec![0_usize; steps.len()];
    let mut roots = Vec::new();
    for (index, step) in steps.iter().enumerate().rev() {
        if step.level > MAX_LEVELS {
            if let Some(parent) = step.parent {
                hidden[parent] += hidden[index] + 1;
            }
            continue;
        }
        let span = &spans[step.span];
        let Mark { missing_parent, cycle } = mark(step.span);
        let mut below = std::mem::take(&mut children[index]);
        below.reverse();
        let node = TreeNode {
            span_id: span.span_id.clone(),
            name: span.name.clone(),
            status: span.status.clone(),
            duration_ms: span.duration_ms,
            children: below,
            missing_parent,
            cycle,
            hidden_descendants: hidden[index],
        };
        match step.parent {
            Some(parent) => children[parent].push(node),
            None => roots.push((step.span, node)),
        }
    }
    roots.sort_by_key(|(span, _)| *span);
    roots.into_iter().map(|(_, node)| node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Usage;
    use proptest::prelude::*;

    fn tree(parents: &[Option<usize>]) -> Tree {
        let spans: Vec<SpanView> = (0..parents.len())
            .map(|index| SpanView {
                span_id: index.to_string(),
                trace_id: "t".into(),
                parent_span_id: None,
                name: "step".into(),
                start_time: String::new(),
                status: "ok".into(),
                end_time: None,
                duration_ms: None,
                kind: "other".into(),
                agent_name: "a".into(),
                session_id: None,
                error: None,
                model: None,
                provider: None,
                usage: Usage::default(),
                cost_usd: None,
                cost_source: None,
                metadata: serde_json::Map::new(),
                parent_remote: false,
                orphan: false,
                clock_skew: false,
                redacted: Vec::new(),
            })
            .collect();
        let parents: Vec<Option<String>> =
            parents.iter().map(|parent| parent.map(|index| index.to_string())).collect();
        build(&spans, &parents, false)
    }

    fn count(nodes: &[TreeNode]) -> usize {
        nodes.iter().map(|node| 1 + node.hidden_descendants + count(&node.children)).sum()
    }

    #[test]
    fn children_nest_in_order_and_orphans_are_marked() {
        let tree = tree(&[None, Some(0), Some(0), Some(1), Some(99)]);
        let ids: Vec<&str> = tree.roots.iter().map(|node| node.span_id.as_str()).collect();
        assert_eq!(ids, ["0", "4"]);
        assert_eq!((tree.roots[0].missing_parent, tree.roots[1].missing_parent), (false, true));
        let children: Vec<&str> = tree.roots[0].children.iter().map(|node| node.span_id.as_str()).collect();
        assert_eq!(children, ["1", "2"]);
        assert_eq!(tree.roots[0].children[0].children[0].span_id, "3");
    }

    #[test]
    fn circles_are_cut_at_their_earliest_span() {
        let own_parent = tree(&[Some(0)]);
        assert!(own_parent.roots[0].cycle && own_parent.roots[0].children.is_empty());
        let pair = tree(&[None, Some(2), Some(1), Some(2)]);
        assert_eq!(pair.roots.len(), 2);
        assert!(pair.roots[1].cycle && pair.roots[1].span_id == "1");
        assert_eq!(count(&pair.roots), 4);
    }

    #[test]
    fn long_chains_and_circles_end_and_lose_nothing() {
        let chain: Vec<Option<usize>> = (0..10_000_usize).map(|index| index.checked_sub(1)).collect();
        assert_eq!(count(&tree(&chain).roots), 10_000);
        let circle: Vec<Option<usize>> = (0..10_000).map(|index| Some((index + 1) % 10_000)).collect();
        let tree = tree(&circle);
        assert_eq!((count(&tree.roots), tree.roots.len()), (10_000, 1));
    }

    proptest! {
        #[test]
        fn every_span_is_in_the_tree_once(parents in proptest::collection::vec(proptest::option::of(0_usize..40), 1..30)) {
            prop_assert_eq!(count(&tree(&parents).roots), parents.len());
        }
    }
}
