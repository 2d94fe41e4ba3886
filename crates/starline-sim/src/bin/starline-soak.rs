fn main() {
    let n: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let base: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let mut tally = starline_sim::Tally::default();
    let mut bad = 0;
    std::panic::set_hook(Box::new(|_| {}));
    let mut seen = std::collections::BTreeMap::<String, (u32, u64)>::new();
    for seed in base..base + n {
        let s = starline_sim::Schedule::random(seed);
        let Ok(p) = std::panic::catch_unwind(|| s.play()) else {
            bad += 1;
            seen.entry("panic".into()).or_insert((0, seed)).0 += 1;
            continue;
        };
        tally.add(&p.tally);
        if let Some(v) = p.violation {
            bad += 1;
            let key: String = v.message.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
            let e = seen.entry(format!("{} {key}", v.oracle)).or_insert((0, seed));
            e.0 += 1;
            if e.0 == 1 && n <= 5 {
                let t = s.play_traced();
                println!("{}\n{s}\n{v}", t.trace);
                if std::env::args().nth(3).is_some() {
                    let (small, v) = s.shrink(&v);
                    println!("SHRUNK {small}\n{v}\n{}", small.play_traced().trace);
                }
            }
        }
    }
    println!("{tally}\nbad {bad}");
    for (k, v) in seen {
        println!("{v:?} {k}");
    }
}
