//! Instruction counts under valgrind: the same on every run, so a change of a few percent shows.
//!
//! Needs valgrind (a package of the operating system) and the runner, of the same version as the crate
//! `gungraun`:
//!
//! ```text
//! cargo install --locked --version 0.20.0 gungraun-runner
//! cargo bench -p starline-benches --bench instructions
//! ```
//!
//! A runner that is not on the path is named by `GUNGRAUN_RUNNER`, which is read when this file is compiled.
//! Each figure is printed beside the one before it, which is kept in `target/gungraun`. Arguments go behind
//! `--`: `--save-baseline=NAME` and `--baseline=NAME` compare with a named one, `--callgrind-limits='ir=2%'`
//! makes a larger change a failure, `--save-summary=json` writes the figures for programs.
//!
//! Only code that neither starts threads nor draws random seeds belongs here: a `current_thread` runtime is
//! fine, the standard hash map with its default hasher is not. What a benchmark needs is made by its `setup`,
//! outside the count.

#![expect(
    missing_docs,
    unused_qualifications,
    reason = "what the macros generate is neither documented nor short"
)]

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use starline_benches::baseline::counter_loop;
use starline_benches::product::{Prepared, execute, prepare};
use starline_benches::{Adjacency, Dag};

/// A graph in the form the counter loop takes.
struct Counted {
    successors: Adjacency,
    waiting: Vec<u32>,
}

fn dag(name: &str) -> Dag {
    Dag::named(name).expect("a listed name")
}

fn counted(name: &str) -> Counted {
    let dag = dag(name);
    Counted { successors: dag.successors(), waiting: dag.indegrees() }
}

#[library_benchmark]
#[bench::chain_10000(setup = counted, args = ("chain_10000"))]
#[bench::fan_10000(setup = counted, args = ("fan_10000"))]
#[bench::layered_10000(setup = counted, args = ("layered_10000"))]
fn drain(mut graph: Counted) -> (usize, Counted) {
    let completed = counter_loop::drain(&graph.successors, &mut graph.waiting, |task| {
        black_box(task);
    });
    (completed, graph)
}

#[library_benchmark]
#[bench::layered_10000("layered_10000")]
#[bench::fft_64x1000("fft_64x1000")]
fn generate(name: &str) -> Dag {
    black_box(dag(black_box(name)))
}

#[library_benchmark]
#[bench::layered_10000(setup = dag, args = ("layered_10000"))]
fn successors(dag: Dag) -> (Adjacency, Dag) {
    (dag.successors(), dag)
}

fn prepared(name: &str) -> Prepared {
    prepare(&dag(name)).expect("a graph without faults")
}

#[library_benchmark]
#[bench::chain_10000(setup = prepared, args = ("chain_10000"))]
#[bench::fan_10000(setup = prepared, args = ("fan_10000"))]
#[bench::layered_10000(setup = prepared, args = ("layered_10000"))]
fn schedule(mut prepared: Prepared) -> (usize, Prepared) {
    (execute(&mut prepared), prepared)
}

library_benchmark_group!(name = scheduler_alone, benchmarks = [schedule]);
library_benchmark_group!(name = counter_loop_alone, benchmarks = [drain]);
library_benchmark_group!(name = graphs, benchmarks = [generate, successors]);

main!(library_benchmark_groups = [scheduler_alone, counter_loop_alone, graphs]);
