//! An order in which every arrow points forward.

use std::collections::VecDeque;

use super::links::Links;

/// An edge as the layout sees it: always from an earlier vertex to a later one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrow {
    pub(super) tail: usize,
    pub(super) head: usize,
    /// The edge points from `head` to `tail`: it closes a cycle, so the graph is not a valid one.
    pub(super) reversed: bool,
}

/// A topological order, and the edges turned so that they follow it. O(n + m).
///
/// Valid graphs have no cycle. In others, the first vertex that is not free yet is taken as if it were, which
/// turns some edges round.
pub(super) fn acyclic(count: usize, edges: &[(usize, usize)]) -> (Vec<usize>, Vec<Arrow>) {
    let next = Links::new(count, edges.iter().copied());
    let mut waits = vec![0_usize; count];
    for &(_, to) in edges {
        waits[to] += 1;
    }
    let mut free: VecDeque<usize> = (0..count).filter(|vertex| waits[*vertex] == 0).collect();
    let mut position = vec![usize::MAX; count];
    let mut order = Vec::with_capacity(count);
    let mut first = 0;
    while order.len() < count {
        let vertex = free.pop_front().unwrap_or_else(|| {
            while position[first] != usize::MAX {
                first += 1;
            }
            first
        });
        if position[vertex] != usize::MAX {
            continue;
        }
        position[vertex] = order.len();
        order.push(vertex);
        for link in next.of(vertex) {
            waits[link.vertex] -= 1;
            if waits[link.vertex] == 0 {
                free.push_back(link.vertex);
            }
        }
    }
    let turn = |&(from, to): &(usize, usize)| {
        let reversed = position[from] > position[to];
        let (tail, head) = if reversed { (to, from) } else { (from, to) };
        Arrow { tail, head, reversed }
    };
    (order, edges.iter().map(turn).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_cut_and_nothing_is_lost() {
        let (order, arrows) = acyclic(4, &[(0, 1), (1, 2), (2, 1), (3, 0)]);
        assert_eq!(order.len(), 4);
        let place = |vertex| order.iter().position(|v| *v == vertex);
        assert!(arrows.iter().all(|arrow| place(arrow.tail) < place(arrow.head)));
        assert_eq!(arrows.iter().filter(|arrow| arrow.reversed).count(), 1);
    }
}
