//! Reads assembly text and reports what slows down the inner loops of the kernels.
//!
//! ```text
//! assembly [--every-kind] FILE.s...
//! ```
//!
//! The text is what `rustc --emit asm` writes for x86-64: AT&T syntax, destinations last. The crate is compiled for
//! plain x86-64, so only functions with a target feature contain AVX instructions. These are the kernels. An inner loop
//! is a loop that contains no other loop.
//!
//! Findings, one per line:
//!
//! - a gather or a scatter, anywhere in a kernel;
//! - a sum or another value on the stack: an inner loop with floating-point arithmetic both writes and reads a stack
//!   slot, at least once with a vector register;
//! - vectors built or taken apart lane by lane, in an inner loop that multiplies vectors of more than 128 bits;
//! - an operation that was not inlined: an inner loop calls `fearless_simd` or `core::arch` for a single vector.
//!
//! The program fails on any of them. It also fails if it saw too little: it expects inner loops with multiply-adds of
//! vectors, for AVX2 and for AVX-512. With `--every-kind` it expects products, updates and activations in `f32` and
//! `f64` for each.

use std::collections::BTreeMap;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (flags, files): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let mut summary = Summary::default();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let file = file.rsplit('/').next().unwrap_or(file);
        asm::functions(&text).iter().for_each(|function| summary.add(file, function));
    }
    summary.print();
    let missing = summary.missing(flags.iter().any(|flag| flag == "--every-kind"));
    missing.iter().for_each(|what| println!("missing: an inner loop with multiply-adds, {what}"));
    println!("findings: {}", summary.findings.len());
    if summary.findings.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What all functions together have shown.
#[derive(Default)]
struct Summary {
    findings: Vec<String>,
    /// Kernels by their widest vector, in bits.
    kernels: BTreeMap<usize, usize>,
    /// Inner loops with multiply-adds of vectors.
    loops: BTreeMap<Kind, usize>,
}

/// What an inner loop computes, as far as its instructions tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Of its multiply-adds, in bits.
    width: usize,
    element: &'static str,
    work: &'static str,
}

const PRODUCT: &str = "products (sums stay in registers)";
const UPDATE: &str = "updates (results go to memory)";
const ACTIVATION: &str = "activations (with a division)";

impl Summary {
    fn add(&mut self, file: &str, function: &asm::Function<'_>) {
        let report = rules::check(function);
        let name = demangle::short(function.symbol);
        self.findings.extend(report.findings.iter().map(|(line, what)| format!("{file}:{line} {name}: {what}")));
        if let Some(width) = report.kernel {
            *self.kernels.entry(width).or_default() += 1;
        }
        for kind in report.loops {
            *self.loops.entry(kind).or_default() += 1;
        }
    }

    fn print(&self) {
        self.findings.iter().for_each(|finding| println!("{finding}"));
        for (width, kernels) in &self.kernels {
            println!("looked at: {kernels} kernels, widest vector {width} bits");
        }
        for (Kind { width, element, work }, loops) in &self.loops {
            println!("looked at: {loops} inner loops with multiply-adds, {width} bits of {element}: {work}");
        }
    }

    /// Kinds of loops that were expected and not seen.
    fn missing(&self, every_kind: bool) -> Vec<String> {
        let mut missing = Vec::new();
        for width in [256, 512] {
            if !self.loops.keys().any(|kind| kind.width == width) {
                missing.push(format!("{width} bits"));
            }
            for element in ["f32", "f64"] {
                for work in [PRODUCT, UPDATE, ACTIVATION] {
                    if every_kind && !self.loops.contains_key(&Kind { width, element, work }) {
                        missing.push(format!("{width} bits of {element}: {work}"));
                    }
                }
            }
        }
        missing
    }
}

/// The text, as functions of instructions.
mod asm {
    use std::collections::HashMap;

    #[derive(Debug)]
    pub struct Function<'a> {
        pub symbol: &'a str,
        pub blocks: Vec<Block<'a>>,
    }

    /// Instructions that run one after the other, and the blocks that may come next.
    #[derive(Debug, Default)]
    pub struct Block<'a> {
        pub instructions: Vec<Instruction<'a>>,
        pub next: Vec<usize>,
    }

    #[derive(Debug)]
    pub struct Instruction<'a> {
        /// In the file, from 1.
        pub line: usize,
        pub mnemonic: &'a str,
        pub operands: Vec<&'a str>,
    }

    /// `displacement(base,index,scale)`
    #[derive(Clone, Copy, Debug)]
    pub struct Address<'a> {
        pub text: &'a str,
        /// `None` for a symbol.
        pub displacement: Option<i64>,
        pub base: &'a str,
        pub index: &'a str,
    }

    pub fn functions(text: &str) -> Vec<Function<'_>> {
        let tables = jump_tables(text);
        let mut functions = Vec::new();
        let mut declared = "";
        let mut lines = text.lines().enumerate();
        while let Some((_, line)) = lines.next() {
            if let Some(rest) = line.trim_start().strip_prefix(".type\t") {
                declared = rest.strip_suffix(",@function").unwrap_or("");
            } else if let Some(symbol) = line.strip_suffix(':')
                && !symbol.is_empty()
                && symbol.trim_matches('"') == declared.trim_matches('"')
            {
                let body: Vec<_> = lines.by_ref().take_while(|(_, line)| !line.starts_with(".Lfunc_end")).collect();
                functions.push(Function { symbol, blocks: blocks(&body, &tables) });
            }
        }
        functions
    }

    /// The labels that each jump table names.
    fn jump_tables(text: &str) -> HashMap<&str, Vec<&str>> {
        let mut tables: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut current = None;
        for line in text.lines() {
            if let Some(label) = line.strip_suffix(':') {
                current = label.starts_with(".LJTI").then_some(label);
            } else if let (Some(table), Some((".long" | ".quad", entry))) = (current, line.trim().split_once('\t')) {
                let label = entry.split('-').next().unwrap_or_default();
                tables.entry(table).or_default().push(label);
            }
        }
        tables
    }

    fn blocks<'a>(body: &[(usize, &'a str)], tables: &HashMap<&str, Vec<&'a str>>) -> Vec<Block<'a>> {
        let mut blocks = vec![Block::default()];
        let mut labels = HashMap::new();
        // Resolved when all labels are known: from which block, to which labels.
        let mut jumps: Vec<(usize, Vec<&str>)> = Vec::new();
        let mut table: Option<&str> = None;
        let mut falls_through = true;
        for &(number, line) in body {
            if let Some(label) = line.strip_suffix(':') {
                if label.starts_with(".LBB") {
                    begin_block(&mut blocks, falls_through);
                    falls_through = true;
                    labels.insert(label, blocks.len() - 1);
                }
                continue;
            }
            let Some(instruction) = Instruction::parse(number + 1, line) else { continue };
            if let Some(name) = line.find(".LJTI").map(|at| &line[at..]) {
                table = name.split(['(', ',']).next();
            }
            if !falls_through {
                begin_block(&mut blocks, false); // no jump leads here: a landing pad
                falls_through = true;
            }
            let last = blocks.len() - 1;
            if instruction.is_jump() {
                let target = instruction.operands.first().copied().unwrap_or_default();
                if target.starts_with(".LBB") {
                    jumps.push((last, vec![target]));
                } else if target.starts_with("*%") || target.starts_with("*.LJTI") {
                    jumps.push((last, table.and_then(|table| tables.get(table)).cloned().unwrap_or_default()));
                }
            }
            let (ends, jumps_on) = (instruction.ends_path(), instruction.is_jump());
            blocks[last].instructions.push(instruction);
            if ends {
                falls_through = false;
            } else if jumps_on {
                begin_block(&mut blocks, true);
            }
        }
        for (block, targets) in jumps {
            blocks[block].next.extend(targets.iter().filter_map(|target| labels.get(target)));
        }
        blocks
    }

    fn begin_block(blocks: &mut Vec<Block<'_>>, falls_through: bool) {
        let number = blocks.len();
        if falls_through {
            blocks[number - 1].next.push(number);
        }
        blocks.push(Block::default());
    }

    impl<'a> Instruction<'a> {
        /// `None` for directives and empty lines.
        pub fn parse(number: usize, line: &'a str) -> Option<Self> {
            let mut line = line.split('#').next()?.trim();
            for prefix in ["{evex}", "{vex}", "lock", "notrack"] {
                line = line.strip_prefix(prefix).map_or(line, str::trim_start);
            }
            if line.is_empty() || line.starts_with('.') {
                return None;
            }
            let (mnemonic, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            Some(Instruction { line: number, mnemonic, operands: split_operands(operands) })
        }

        pub fn is_jump(&self) -> bool {
            self.mnemonic.starts_with('j')
        }

        pub fn is_call(&self) -> bool {
            self.mnemonic.starts_with("call")
        }

        /// The symbol that is called, if it is named.
        pub fn callee(&self) -> Option<&'a str> {
            let target = self.operands.first()?.trim_start_matches('*').split(['@', '(']).next()?;
            (self.is_call() && !target.starts_with('%')).then_some(target)
        }

        /// Whether the next line runs only if something jumps there. Functions that do not return are recognised by
        /// name.
        fn ends_path(&self) -> bool {
            const WITHOUT_RETURN: [&str; 6] =
                ["panic", "_fail", "_Unwind_Resume", "handle_error", "handle_alloc_error", "abort"];
            match self.callee() {
                Some(callee) => WITHOUT_RETURN.iter().any(|part| callee.contains(part)),
                None => matches!(self.mnemonic, "jmp" | "jmpq" | "ret" | "retq" | "ud2"),
            }
        }

        /// AVX, AVX2, FMA or AVX-512.
        pub fn is_avx(&self) -> bool {
            self.mnemonic.starts_with('v')
        }

        /// Of the widest vector register among the operands, in bits; 0 without one.
        pub fn width(&self) -> usize {
            let names = [("%zmm", 512), ("%ymm", 256), ("%xmm", 128)];
            let used = names.iter().find(|(name, _)| self.operands.iter().any(|operand| operand.contains(name)));
            used.map_or(0, |(_, width)| *width)
        }

        pub fn destination(&self) -> Option<&'a str> {
            self.operands.last().copied()
        }

        /// The operand in memory.
        pub fn address(&self) -> Option<Address<'a>> {
            if self.mnemonic.starts_with("lea") || self.is_jump() || self.is_call() {
                return None;
            }
            self.operands.iter().find_map(|operand| Address::parse(operand))
        }

        pub fn writes_memory(&self) -> bool {
            let reads_only = ["cmp", "test", "bt", "push", "div", "idiv", "mul", "imul", "prefetch"];
            let to_memory = self.destination().is_some_and(|operand| Address::parse(operand).is_some());
            to_memory && self.address().is_some() && !reads_only.iter().any(|name| self.mnemonic.starts_with(name))
        }

        /// No AVX instruction reads what it writes.
        pub fn reads_memory(&self) -> bool {
            let writes_only = self.is_avx() || ["mov", "set", "pop"].iter().any(|name| self.mnemonic.starts_with(name));
            self.address().is_some() && !(self.writes_memory() && writes_only)
        }

        /// Bytes of memory that are read or written.
        pub fn bytes(&self) -> i64 {
            let name = self.mnemonic;
            let of_element = if name.ends_with('d') && !name.starts_with("vp") { 8 } else { 4 };
            let has = |part| name.contains(part);
            match () {
                _ if self.operands.iter().any(|operand| operand.contains("{1to")) => of_element,
                _ if has("f64x4") || has("i64x4") || has("f32x8") || has("i32x8") => 32,
                _ if has("128") || has("64x2") || has("32x4") => 16,
                _ if has("movh") || has("movlp") || name.ends_with("sd") || matches!(name, "vmovq" | "vmovddup") => 8,
                _ if name.starts_with("vbroadcastsd") || matches!(name, "vpbroadcastq" | "vpinsrq" | "vpextrq") => 8,
                _ if name.ends_with("ss") || matches!(name, "vmovd" | "vpbroadcastd" | "vpinsrd" | "vpextrd") => 4,
                _ if matches!(name, "vinsertps" | "vextractps") => 4,
                _ if self.width() > 0 => self.width() as i64 / 8,
                _ if name.ends_with('b') => 1,
                _ if name.ends_with('w') => 2,
                _ if name.ends_with('l') => 4,
                _ => 8,
            }
        }
    }

    impl<'a> Address<'a> {
        pub fn parse(operand: &'a str) -> Option<Self> {
            let text = operand.split('{').next()?;
            let (displacement, registers) = text.strip_suffix(')')?.rsplit_once('(')?;
            let mut registers = registers.split(',').map(str::trim);
            let (base, index) = (registers.next()?, registers.next().unwrap_or_default());
            let displacement = if displacement.is_empty() { Some(0) } else { displacement.parse().ok() };
            Some(Address { text, displacement, base, index })
        }
    }

    /// At commas outside of parentheses.
    fn split_operands(text: &str) -> Vec<&str> {
        let mut depth = 0;
        text.split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|operand| !operand.is_empty())
        .collect()
    }
}

/// Which blocks are loops.
mod flow {
    use std::collections::BTreeSet;

    /// Blocks of a loop that contains no other loop, in the order of the text.
    pub type InnerLoop = Vec<usize>;

    /// `next` lists the successors of each block.
    ///
    /// A loop is a set of blocks that all lead to one another. A cycle that remains without the blocks where the loop
    /// is entered is a loop inside it.
    pub fn inner_loops(next: &[Vec<usize>]) -> Vec<InnerLoop> {
        let mut found = Vec::new();
        collect(next, &(0..next.len()).collect(), &mut found);
        found
    }

    /// Whether there is a loop among these blocks.
    fn collect(next: &[Vec<usize>], among: &BTreeSet<usize>, found: &mut Vec<InnerLoop>) -> bool {
        let cycles = cycles(next, among);
        for cycle in &cycles {
            let mut entries: BTreeSet<usize> = (0..next.len())
                .filter(|block| !cycle.contains(block))
                .flat_map(|block| next[block].iter().copied())
                .filter(|block| cycle.contains(block))
                .collect();
            if entries.is_empty() {
                entries.extend(cycle.first());
            }
            let inside = cycle - &entries;
            if !collect(next, &inside, found) {
                found.push(cycle.iter().copied().collect());
            }
        }
        !cycles.is_empty()
    }

    /// Strongly connected components with at least one edge: Tarjan's algorithm, with a stack of its own.
    fn cycles(next: &[Vec<usize>], among: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
        const NEW: usize = usize::MAX;
        let (mut number, mut low) = (vec![NEW; next.len()], vec![NEW; next.len()]);
        let (mut open, mut is_open) = (Vec::new(), vec![false; next.len()]);
        let mut components = Vec::new();
        let mut count = 0;
        for &root in among {
            if number[root] != NEW {
                continue;
            }
            let mut path = vec![(root, 0)];
            while let Some((block, edge)) = path.pop() {
                if edge == 0 {
                    (number[block], low[block]) = (count, count);
                    count += 1;
                    open.push(block);
                    is_open[block] = true;
                } else if let Some(&done) = next[block].get(edge - 1)
                    && is_open[done]
                {
                    low[block] = low[block].min(low[done]);
                }
                if let Some(&to) = next[block].get(edge) {
                    path.push((block, edge + 1));
                    if among.contains(&to) && number[to] == NEW {
                        path.push((to, 0));
                    }
                    continue;
                }
                if low[block] < number[block] {
                    continue;
                }
                let at = open.iter().rposition(|&other| other == block).expect("it is open");
                let component: BTreeSet<usize> = open.split_off(at).into_iter().collect();
                component.iter().for_each(|&block| is_open[block] = false);
                if component.len() > 1 || next[block].contains(&block) {
                    components.push(component);
                }
            }
        }
        components
    }
}

/// Which registers point into the stack.
mod stack {
    use super::asm::{Address, Block, Instruction};
    use std::collections::BTreeMap;

    /// What a register is known to hold.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Pointer {
        /// At a distance from the stack pointer as this register holds it. (`rsp`: in the body of the function.)
        At(&'static str, i64),
        /// Somewhere in the stack.
        Somewhere,
    }

    /// By register. A register that is missing does not point into the stack, or not on every path.
    pub type Pointers = BTreeMap<&'static str, Pointer>;

    /// The part of the stack that an instruction reads or writes.
    #[derive(Clone, Copy, Debug)]
    pub struct Slot<'a> {
        pub text: &'a str,
        /// Origin, first byte, and the byte after the last, if known.
        pub range: Option<(&'static str, i64, i64)>,
    }

    impl Slot<'_> {
        pub fn overlaps(&self, other: &Slot<'_>) -> bool {
            match (self.range, other.range) {
                (Some((from, first, end)), Some((other_from, other_first, other_end))) => {
                    from == other_from && first < other_end && other_first < end
                }
                _ => self.text == other.text,
            }
        }
    }

    pub fn slot<'a>(pointers: &Pointers, instruction: &Instruction<'a>) -> Option<Slot<'a>> {
        let address = instruction.address()?;
        let range = match pointer_to(pointers, &address)? {
            Pointer::At(from, first) => Some((from, first, first + instruction.bytes())),
            Pointer::Somewhere => None,
        };
        Some(Slot { text: address.text, range })
    }

    fn pointer_to(pointers: &Pointers, address: &Address<'_>) -> Option<Pointer> {
        let of = |name| register(name).and_then(|name| pointers.get(name));
        match (of(address.base), of(address.index), address.displacement) {
            (None, None, _) => None,
            (Some(Pointer::At(from, offset)), None, Some(displacement)) if address.index.is_empty() => {
                Some(Pointer::At(from, offset + displacement))
            }
            _ => Some(Pointer::Somewhere),
        }
    }

    /// What is known where each block begins.
    pub fn at_beginnings(blocks: &[Block<'_>]) -> Vec<Pointers> {
        let mut known: Vec<Option<Pointers>> = vec![None; blocks.len()];
        let at_entry = || Pointers::from([("rsp", Pointer::At("rsp", 0))]);
        let mut waiting = vec![(0, at_entry())];
        while let Some((block, arriving)) = waiting.pop() {
            let merged = match &known[block] {
                Some(before) => merge(before, &arriving),
                None => arriving,
            };
            if known[block].as_ref() == Some(&merged) {
                continue;
            }
            known[block] = Some(merged.clone());
            let mut pointers = merged;
            blocks[block].instructions.iter().for_each(|instruction| step(&mut pointers, instruction));
            waiting.extend(blocks[block].next.iter().map(|&next| (next, pointers.clone())));
        }
        // No jump leads to a landing pad.
        known.into_iter().map(|pointers| pointers.unwrap_or_else(at_entry)).collect()
    }

    fn merge(a: &Pointers, b: &Pointers) -> Pointers {
        let both = a.iter().filter_map(|(&name, &a)| b.get(name).map(|&b| (name, a, b)));
        both.map(|(name, a, b)| (name, if a == b { a } else { Pointer::Somewhere })).collect()
    }

    /// What is known after an instruction. The stack pointer does not move in the body of a function.
    pub fn step(pointers: &mut Pointers, instruction: &Instruction<'_>) {
        const KEPT_BY_CALLS: [&str; 7] = ["rsp", "rbp", "rbx", "r12", "r13", "r14", "r15"];
        const WITHOUT_RESULT: [&str; 5] = ["cmp", "test", "push", "j", "ret"];
        let starts = |names: &[&str]| names.iter().any(|name| instruction.mnemonic.starts_with(name));
        if instruction.is_call() {
            return pointers.retain(|name, _| KEPT_BY_CALLS.contains(name));
        }
        if starts(&["mul", "div", "idiv"]) || starts(&["imul"]) && instruction.operands.len() == 1 {
            return pointers.retain(|name, _| !matches!(*name, "rax" | "rdx"));
        }
        let Some(destination) = instruction.destination().and_then(register) else { return };
        if destination == "rsp" || starts(&WITHOUT_RESULT) {
            return;
        }
        let source = instruction.operands[0];
        let of = |name| register(name).and_then(|name| pointers.get(name).copied());
        let result = match instruction.mnemonic {
            "movq" if source == "%rsp" => Some(Pointer::At(destination, 0)),
            "movq" => of(source),
            "leaq" => Address::parse(source).and_then(|address| pointer_to(pointers, &address)),
            "addq" | "subq" | "andq" | "orq" | "incq" | "decq" => {
                of(source).or(of(instruction.operands[instruction.operands.len() - 1])).map(|_| Pointer::Somewhere)
            }
            _ if starts(&["cmov"]) => of(source).and(of(instruction.operands[1])).map(|_| Pointer::Somewhere),
            _ => None,
        };
        match result {
            Some(pointer) => pointers.insert(destination, pointer),
            None => pointers.remove(destination),
        };
    }

    /// The whole register of which `%eax`, `%al` or `%r8d` is a part.
    fn register(operand: &str) -> Option<&'static str> {
        const LETTERED: [[&str; 4]; 8] = [
            ["rax", "eax", "ax", "al"],
            ["rbx", "ebx", "bx", "bl"],
            ["rcx", "ecx", "cx", "cl"],
            ["rdx", "edx", "dx", "dl"],
            ["rsi", "esi", "si", "sil"],
            ["rdi", "edi", "di", "dil"],
            ["rbp", "ebp", "bp", "bpl"],
            ["rsp", "esp", "sp", "spl"],
        ];
        const NUMBERED: [&str; 8] = ["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
        let name = operand.strip_prefix('%')?;
        let lettered = LETTERED.iter().find(|names| names.contains(&name)).map(|names| names[0]);
        let numbered = || NUMBERED.into_iter().find(|&whole| name.trim_end_matches(['b', 'w', 'd']) == whole);
        lettered.or_else(numbered)
    }
}

/// What makes the check fail.
mod rules {
    use super::asm::{Function, Instruction};
    use super::{ACTIVATION, BTreeMap, Kind, PRODUCT, UPDATE, demangle, flow, stack};

    #[derive(Default)]
    pub struct Report {
        /// Lines of the text, and what was found there.
        pub findings: Vec<(usize, String)>,
        /// The widest vector, in bits, if the function is a kernel.
        pub kernel: Option<usize>,
        pub loops: Vec<Kind>,
    }

    pub fn check(function: &Function<'_>) -> Report {
        let mut report = Report::default();
        let next: Vec<_> = function.blocks.iter().map(|block| block.next.clone()).collect();
        let loops = flow::inner_loops(&next);
        report.findings.extend(loops.iter().flat_map(|blocks| not_inlined(function, blocks)));

        let all = || function.blocks.iter().flat_map(|block| &block.instructions);
        if !all().any(Instruction::is_avx) {
            return report;
        }
        report.kernel = all().map(Instruction::width).max();
        let in_no_inner_loop = |block: &usize| !loops.iter().any(|blocks| blocks.contains(block));
        let elsewhere: Vec<_> = (0..function.blocks.len()).filter(in_no_inner_loop).collect();
        report.findings.extend(gathers_and_scatters(function, &elsewhere));

        let pointers = stack::at_beginnings(&function.blocks);
        for blocks in &loops {
            report.findings.extend(gathers_and_scatters(function, blocks));
            let mut facts = Facts::default();
            for &block in blocks {
                let mut pointers = pointers[block].clone();
                for instruction in &function.blocks[block].instructions {
                    facts.add(instruction, stack::slot(&pointers, instruction));
                    stack::step(&mut pointers, instruction);
                }
            }
            report.loops.extend(facts.kind());
            report.findings.extend(facts.on_the_stack());
            report.findings.extend(facts.lane_by_lane());
        }
        report
    }

    fn instructions<'f, 'a>(function: &'f Function<'a>, blocks: &[usize]) -> impl Iterator<Item = &'f Instruction<'a>> {
        blocks.iter().flat_map(|&block| &function.blocks[block].instructions)
    }

    /// Calls for a single vector. `vectorize` is meant to be called: it is where a kernel begins.
    fn not_inlined(function: &Function<'_>, blocks: &[usize]) -> Vec<(usize, String)> {
        let mut calls: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (callee, line) in instructions(function, blocks).filter_map(|call| Some((call.callee()?, call.line))) {
            let path = demangle::full(callee);
            let has = |name| path.contains(name);
            if has("fearless_simd") && !has("vectorize") && !has("Level") || has("core_arch") {
                calls.entry(path).or_insert((0, line)).0 += 1;
            }
        }
        let line = |(path, (count, line))| (line, format!("{count} calls of {path}: not inlined"));
        calls.into_iter().map(line).collect()
    }

    fn gathers_and_scatters(function: &Function<'_>, blocks: &[usize]) -> Vec<(usize, String)> {
        let mut found = Counts::default();
        for instruction in instructions(function, blocks).filter(|instruction| instruction.is_avx()) {
            match instruction.mnemonic {
                name if name.contains("gather") => found.add("a gather", instruction),
                name if name.contains("scatter") => found.add("a scatter", instruction),
                _ => {}
            }
        }
        found.lines()
    }

    /// Instructions of one name and width: how many, and the line of the first.
    #[derive(Default)]
    struct Counts<'a>(BTreeMap<(&'static str, &'a str, usize), (usize, usize)>);

    impl<'a> Counts<'a> {
        fn add(&mut self, what: &'static str, instruction: &Instruction<'a>) {
            let key = (what, instruction.mnemonic, instruction.width());
            self.0.entry(key).or_insert((0, instruction.line)).0 += 1;
        }

        fn lines(&self) -> Vec<(usize, String)> {
            let line = |(&(what, name, width), &(count, line)): (&(_, _, _), &(_, _))| {
                (line, format!("{width} bits: {count} {name}: {what}"))
            };
            self.0.iter().map(line).collect()
        }
    }

    /// What an inner loop does.
    #[derive(Default)]
    struct Facts<'a> {
        /// Floating-point arithmetic, of numbers or vectors.
        arithmetic: bool,
        multiplies_vectors: bool,
        divides_vectors: bool,
        /// The widest multiply-add of a vector: bits and element.
        multiply_add: Option<(usize, &'static str)>,
        /// Whether a vector goes to memory other than the stack.
        stores: bool,
        /// In the order of the text.
        accesses: Vec<Access<'a>>,
        lanes: Counts<'a>,
    }

    /// Of a slot of the stack.
    struct Access<'a> {
        slot: stack::Slot<'a>,
        line: usize,
        mnemonic: &'a str,
        width: usize,
        reads: bool,
        writes: bool,
    }

    impl<'a> Facts<'a> {
        fn add(&mut self, instruction: &Instruction<'a>, slot: Option<stack::Slot<'a>>) {
            let Instruction { line, mnemonic, .. } = *instruction;
            let (width, writes) = (instruction.width(), instruction.writes_memory());
            let starts = |names: &[&str]| names.iter().any(|start| mnemonic.starts_with(start));
            let element = match () {
                _ if mnemonic.ends_with("ps") => Some("f32"),
                _ if mnemonic.ends_with("pd") => Some("f64"),
                _ => None,
            };
            let fused = starts(&["vfmadd", "vfmsub", "vfnmadd", "vfnmsub"]);
            let multiplies = fused || starts(&["vmulp", "vmuls"]);
            let divides = starts(&["vdivp", "vdivs"]);
            self.arithmetic |= multiplies || divides || starts(&["vaddp", "vadds", "vsubp", "vsubs"]);
            // Rows shorter than 128 bits are read entry by entry, on purpose.
            self.multiplies_vectors |= multiplies && element.is_some() && width > 128;
            self.divides_vectors |= divides && element.is_some();
            if let Some(element) = element.filter(|_| fused) {
                self.multiply_add = self.multiply_add.max(Some((width, element)));
            }
            let one_lane = ["vinsertps", "vpinsr", "vmovhp", "vmovlp", "vextractps", "vpextr"];
            // A store of half a register is a short vector.
            if starts(&one_lane) && !(writes && starts(&["vmov"])) {
                self.lanes.add("lane by lane", instruction);
            }
            match slot {
                Some(slot) => {
                    let reads = instruction.reads_memory();
                    self.accesses.push(Access { slot, line, mnemonic, width, reads, writes });
                }
                None => self.stores |= writes && width > 0,
            }
        }

        /// `None` without multiply-adds of vectors.
        fn kind(&self) -> Option<Kind> {
            let (width, element) = self.multiply_add?;
            let work = match () {
                _ if self.divides_vectors => ACTIVATION,
                _ if self.stores => UPDATE,
                _ => PRODUCT,
            };
            Some(Kind { width, element, work })
        }

        /// A slot that is read before it is written carries a value from one iteration to the next: a sum.
        fn on_the_stack(&self) -> Vec<(usize, String)> {
            let mut found: BTreeMap<(&str, usize), (usize, usize, String)> = BTreeMap::new();
            for write in self.accesses.iter().filter(|access| access.writes && self.arithmetic) {
                let same_slot = || self.accesses.iter().filter(|access| access.slot.overlaps(&write.slot));
                let Some(read) = same_slot().find(|access| access.reads && access.width.max(write.width) > 0) else {
                    continue;
                };
                let read_first = same_slot().next().is_some_and(|access| access.reads);
                let what = if read_first { "a sum on the stack" } else { "spilled to the stack" };
                let names = format!("{} and {}", write.mnemonic, read.mnemonic);
                found.entry((what, write.width.max(read.width))).or_insert((0, write.line, names)).0 += 1;
            }
            let line = |((what, width), (count, line, names))| (line, format!("{width} bits: {count} {names}: {what}"));
            found.into_iter().map(line).collect()
        }

        fn lane_by_lane(&self) -> Vec<(usize, String)> {
            if self.multiplies_vectors { self.lanes.lines() } else { Vec::new() }
        }
    }
}

/// Names of functions, from symbols of the v0 mangling.
mod demangle {
    /// Last names only, with generic arguments: `run_avx512<Turn<Add<f32>, 4, 16>>`.
    pub fn short(symbol: &str) -> String {
        demangle(symbol, true)
    }

    /// With the modules, without generic arguments.
    pub fn full(symbol: &str) -> String {
        demangle(symbol, false)
    }

    fn demangle(symbol: &str, short: bool) -> String {
        let mangled = symbol.trim_matches('"').strip_prefix("_R").unwrap_or_default();
        let mut parser = Parser { text: mangled.as_bytes(), at: 0, short, depth: 0 };
        parser.path().filter(|name| !name.is_empty()).unwrap_or_else(|| symbol.to_string())
    }

    /// The part of the grammar (<https://doc.rust-lang.org/rustc/symbol-mangling/v0.html>) that kernels use. Other
    /// symbols are shown unchanged.
    struct Parser<'a> {
        text: &'a [u8],
        at: usize,
        short: bool,
        depth: usize,
    }

    impl Parser<'_> {
        fn next(&mut self) -> Option<u8> {
            let byte = *self.text.get(self.at)?;
            self.at += 1;
            Some(byte)
        }

        fn eat(&mut self, byte: u8) -> bool {
            let eaten = self.text.get(self.at) == Some(&byte);
            self.at += usize::from(eaten);
            eaten
        }

        fn base_62(&mut self) -> Option<usize> {
            let mut number = 0_usize;
            loop {
                let digit = match self.next()? {
                    b'_' => return Some(number),
                    byte => char::from(byte),
                };
                let digit = match digit {
                    '0'..='9' => digit as usize - '0' as usize,
                    'a'..='z' => digit as usize - 'a' as usize + 10,
                    'A'..='Z' => digit as usize - 'A' as usize + 36,
                    _ => return None,
                };
                // "_" is 0, "0_" is 1.
                number = (if number == 0 { 0 } else { (number - 1) * 62 }) + digit + 1;
            }
        }

        /// A reference to an earlier part of the symbol.
        fn back<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
            let to = self.base_62()?;
            let here = std::mem::replace(&mut self.at, to);
            self.depth += 1;
            let result = if self.depth < 100 { parse(self) } else { None };
            (self.at, self.depth) = (here, self.depth - 1);
            result
        }

        fn identifier(&mut self) -> Option<(usize, String)> {
            let disambiguator = if self.eat(b's') { self.base_62()? + 1 } else { 0 };
            self.eat(b'u');
            let mut length = 0;
            while let Some(digit) = self.text.get(self.at).filter(|byte| byte.is_ascii_digit()) {
                length = length * 10 + usize::from(digit - b'0');
                self.at += 1;
            }
            self.eat(b'_');
            let name = self.text.get(self.at..self.at + length)?;
            self.at += length;
            Some((disambiguator, String::from_utf8_lossy(name).into_owned()))
        }

        fn path(&mut self) -> Option<String> {
            Some(match self.next()? {
                b'C' => self.identifier()?.1,
                b'M' => {
                    self.impl_path()?;
                    self.kind()?
                }
                b'X' => {
                    self.impl_path()?;
                    self.implementation()?
                }
                b'Y' => self.implementation()?,
                b'N' => {
                    let namespace = self.next()?;
                    let of_type = matches!(self.text.get(self.at)?, b'M' | b'X' | b'Y');
                    let parent = self.path()?;
                    let (number, name) = self.identifier()?;
                    match namespace {
                        b'C' => format!("{parent}::{{closure#{number}}}"),
                        _ if self.short && !of_type => name,
                        _ => format!("{parent}::{name}"),
                    }
                }
                b'I' => {
                    let path = self.path()?;
                    let arguments = self.list(Self::argument)?;
                    if self.short { format!("{path}<{arguments}>") } else { path }
                }
                b'B' => self.back(Self::path)?,
                _ => return None,
            })
        }

        fn impl_path(&mut self) -> Option<()> {
            if self.eat(b's') {
                self.base_62()?;
            }
            self.path().map(|_| ())
        }

        fn implementation(&mut self) -> Option<String> {
            let (kind, of) = (self.kind()?, self.path()?);
            Some(if self.short { kind } else { format!("<{kind} as {of}>") })
        }

        fn list(&mut self, item: fn(&mut Self) -> Option<String>) -> Option<String> {
            let mut items = Vec::new();
            while !self.eat(b'E') {
                items.push(item(self)?);
            }
            items.retain(|item| !item.is_empty());
            Some(items.join(", "))
        }

        fn argument(&mut self) -> Option<String> {
            if self.eat(b'L') {
                return self.base_62().map(|_| String::new());
            }
            if self.eat(b'K') { self.constant() } else { self.kind() }
        }

        fn constant(&mut self) -> Option<String> {
            match self.next()? {
                b'B' => self.back(Self::constant),
                b'p' => Some("_".into()),
                kind if kind.is_ascii_lowercase() => {
                    let sign = if self.eat(b'n') { "-" } else { "" };
                    let begin = self.at;
                    while self.next()? != b'_' {}
                    let digits = str::from_utf8(&self.text[begin..self.at - 1]).ok()?;
                    let value = if digits.is_empty() { 0 } else { u128::from_str_radix(digits, 16).ok()? };
                    Some(if kind == b'b' { (value == 1).to_string() } else { format!("{sign}{value}") })
                }
                _ => None,
            }
        }

        /// A type.
        fn kind(&mut self) -> Option<String> {
            const BASIC: [(u8, &str); 20] = [
                (b'a', "i8"),
                (b'b', "bool"),
                (b'c', "char"),
                (b'd', "f64"),
                (b'e', "str"),
                (b'f', "f32"),
                (b'h', "u8"),
                (b'i', "isize"),
                (b'j', "usize"),
                (b'l', "i32"),
                (b'm', "u32"),
                (b'n', "i128"),
                (b'o', "u128"),
                (b's', "i16"),
                (b't', "u16"),
                (b'u', "()"),
                (b'x', "i64"),
                (b'y', "u64"),
                (b'z', "!"),
                (b'p', "_"),
            ];
            let tag = *self.text.get(self.at)?;
            if let Some((_, name)) = BASIC.iter().find(|(letter, _)| *letter == tag) {
                self.at += 1;
                return Some((*name).into());
            }
            if matches!(tag, b'C' | b'M' | b'X' | b'Y' | b'N' | b'I') {
                return self.path();
            }
            self.at += 1;
            match tag {
                b'R' | b'Q' => {
                    if self.eat(b'L') {
                        self.base_62()?;
                    }
                    Some(format!("{}{}", if tag == b'R' { "&" } else { "&mut " }, self.kind()?))
                }
                b'P' | b'O' => Some(format!("*{}", self.kind()?)),
                b'S' => Some(format!("[{}]", self.kind()?)),
                b'A' => Some(format!("[{}; {}]", self.kind()?, self.constant()?)),
                b'T' => Some(format!("({})", self.list(Self::kind)?)),
                b'B' => self.back(Self::kind),
                b'F' => self.function(),
                _ => None,
            }
        }

        fn function(&mut self) -> Option<String> {
            if self.eat(b'G') {
                self.base_62()?;
            }
            self.eat(b'U');
            if self.eat(b'K') && !self.eat(b'C') {
                self.identifier()?;
            }
            let arguments = self.list(Self::kind)?;
            Some(format!("fn({arguments}) -> {}", self.kind()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function of these lines, and what is found in it.
    fn findings(body: &str) -> Vec<String> {
        let text = format!("\t.type\tf,@function\nf:\n{body}\n\tretq\n.Lfunc_end0:\n");
        let functions = asm::functions(&text);
        assert_eq!(functions.len(), 1);
        rules::check(&functions[0]).findings.into_iter().map(|(_, what)| what).collect()
    }

    /// What is found in a loop of these lines.
    fn in_loop(lines: &[&str]) -> Vec<String> {
        findings(&format!("leaq 64(%rsp), %rcx\n.LBB0_1:\n{}\njne .LBB0_1", lines.join("\n")))
    }

    const MULTIPLY_ADD: &str = "vfmadd231ps (%rdi,%rax,4), %zmm0, %zmm1";

    #[test]
    fn gathers_and_scatters() {
        let gather = "vgatherqps 64(,%zmm2), %ymm1 {%k1}";
        assert_eq!(in_loop(&[gather, gather]), ["512 bits: 2 vgatherqps: a gather"]);
        assert_eq!(findings("vscatterdps %ymm1, (%rax,%ymm2,4) {%k1}"), ["256 bits: 1 vscatterdps: a scatter"]);
    }

    #[test]
    fn sums_on_the_stack() {
        let sum = |reads: &str, writes: &str| in_loop(&[reads, "vaddps %ymm2, %ymm1, %ymm1", writes]);
        let found = ["256 bits: 1 vmovups and vmovups: a sum on the stack"];
        assert_eq!(sum("vmovups 32(%rsp), %ymm1", "vmovups %ymm1, 32(%rsp)"), found);
        assert_eq!(sum("vmovups 32(%rsp,%rax), %ymm1", "vmovups %ymm1, 32(%rsp,%rax)"), found);
        // The same slot through a register; another slot.
        assert_eq!(sum("vmovups 8(%rcx), %ymm1", "vmovups %ymm1, 72(%rsp)"), found);
        assert_eq!(sum("vmovups 32(%rcx), %ymm1", "vmovups %ymm1, (%rcx)"), [""; 0]);
        // Not the stack: here rbp is no frame pointer.
        assert_eq!(sum("vmovups 32(%rbp), %ymm1", "vmovups %ymm1, 32(%rbp)"), [""; 0]);
    }

    #[test]
    fn values_on_the_stack() {
        let spilled = ["vmovups %zmm1, 64(%rsp)", MULTIPLY_ADD, "vmovss 68(%rsp), %xmm1"];
        assert_eq!(in_loop(&spilled), ["512 bits: 1 vmovups and vmovss: spilled to the stack"]);
        // Two values, one after the other.
        let twice = [spilled, spilled].concat();
        assert_eq!(in_loop(&twice), ["512 bits: 2 vmovups and vmovss: spilled to the stack"]);
        // A constant, and a count.
        assert_eq!(in_loop(&[MULTIPLY_ADD, "vmulps 64(%rsp), %zmm1, %zmm1"]), [""; 0]);
        assert_eq!(in_loop(&["incq 64(%rsp)", MULTIPLY_ADD, "movq 64(%rsp), %rax"]), [""; 0]);
        // Not in a loop.
        assert_eq!(findings(&spilled.join("\n")), [""; 0]);
    }

    #[test]
    fn registers_that_point_into_the_stack() {
        let load_and_store = "vmovups (%rdx), %ymm1\nvaddps %ymm2, %ymm1, %ymm1\nvmovups %ymm1, (%rdx)";
        let with = |before: &str, inside: &str| {
            findings(&format!("{before}\n.LBB0_1:\n{load_and_store}\n{inside}\njb .LBB0_1")).len()
        };
        assert_eq!(with("leaq 64(%rsp), %rdx", ""), 1);
        assert_eq!(with("movq %rsp, %rbp\nleaq -64(%rbp), %rdx", "addq $32, %rdx"), 1);
        assert_eq!(with("leaq 64(%rsp), %rdx\nmovq (%rdi), %rdx", ""), 0);
        assert_eq!(with("leaq 64(%rsp), %rdx\ncallq f", ""), 0);
        // On one of two paths.
        assert_eq!(with("movq %rdi, %rdx\nje .LBB0_1\nleaq 64(%rsp), %rdx", ""), 0);
    }

    #[test]
    fn lanes() {
        let insert = "vinsertps $16, 4(%rdx), %xmm2, %xmm2";
        assert_eq!(in_loop(&[insert, MULTIPLY_ADD]), ["128 bits: 1 vinsertps: lane by lane"]);
        assert_eq!(in_loop(&[insert]), [""; 0]);
        assert_eq!(in_loop(&["vmovlps %xmm2, (%rdx)", MULTIPLY_ADD]), [""; 0]);
    }

    #[test]
    fn operations_that_are_calls() {
        let call = |path: &str| in_loop(&[&format!("callq *_RNvNt{path}@GOTPCREL(%rip)")]);
        assert_eq!(call("C13fearless_simd4avx27mul_add"), ["1 calls of fearless_simd::avx2::mul_add: not inlined"]);
        assert_eq!(call("C13fearless_simd4avx214vectorize_avx2"), [""; 0]);
        assert_eq!(call("C9chainrule4avx27mul_add"), [""; 0]);
        // A vector type as a generic argument.
        assert_eq!(call("C9chainrule4tileINtC13fearless_simd5f32x8E"), [""; 0]);
    }

    #[test]
    fn inner_loops() {
        // 1 and 2 in 0 to 3; 4 to itself; 5 and 6 entered at both.
        let next = [vec![1], vec![2], vec![1, 3], vec![0, 4], vec![4, 5, 6], vec![6], vec![5]];
        let mut loops = flow::inner_loops(&next);
        loops.sort();
        assert_eq!(loops, [vec![1, 2], vec![4], vec![5, 6]]);
    }

    #[test]
    fn paths_through_a_function() {
        let text = "\t.type\tf,@function\nf:\n\tleaq\t.LJTI0_0(%rip), %rcx\n\tjmpq\t*%rax\n\
            .LBB0_1:\n\tcallq\tpanic_bounds\n\
            .LBB0_2:\n\tjmp\t.LBB0_1\n.Lfunc_end0:\n.LJTI0_0:\n\t.long\t.LBB0_2-.LJTI0_0\n";
        let next: Vec<_> = asm::functions(text)[0].blocks.iter().map(|block| block.next.clone()).collect();
        assert_eq!(next, [vec![2], vec![], vec![1]]);
    }

    #[test]
    fn nothing_to_look_at_is_a_failure() {
        let mut summary = Summary::default();
        assert_eq!((summary.missing(false).len(), summary.missing(true).len()), (2, 14));
        for width in [256, 512] {
            for element in ["f32", "f64"] {
                for work in [PRODUCT, UPDATE, ACTIVATION] {
                    summary.loops.insert(Kind { width, element, work }, 1);
                }
            }
        }
        assert_eq!(summary.missing(true), [""; 0]);
    }

    #[test]
    fn kinds_of_loops() {
        let kinds = |lines: &str| {
            let text = format!("\t.type\tf,@function\nf:\n.LBB0_1:\n{lines}\njne .LBB0_1\nretq\n.Lfunc_end0:\n");
            rules::check(&asm::functions(&text)[0]).loops
        };
        let kind = |work| [Kind { width: 512, element: "f32", work }];
        assert_eq!(kinds(MULTIPLY_ADD), kind(PRODUCT));
        assert_eq!(kinds(&format!("{MULTIPLY_ADD}\nvmovups %zmm1, (%rsi)")), kind(UPDATE));
        assert_eq!(
            kinds(&format!("{MULTIPLY_ADD}\nvdivps %zmm1, %zmm2, %zmm3\nvmovups %zmm1, (%rsi)")),
            kind(ACTIVATION)
        );
        assert_eq!(kinds("vfmadd231ss %xmm0, %xmm1, %xmm2"), []);
    }

    #[test]
    fn names() {
        let turn = "_RINvNtNtCs5eIN2mBOAx4_9chainrule7vectors6x86_6410run_avx512\
            INtNtB6_6matmul4TurnINtBY_3AddfEKj4_Kj10_EEB6_";
        assert_eq!(demangle::short(turn), "run_avx512<Turn<Add<f32>, 4, 16>>");
        let closure = "_RINvNvXs2_NtNtCs1QFuVZgcmG9_13fearless_simd9generated4avx2NtB8_4Avx2NtNtBa_\
            10simd_trait4Simd9vectorize14vectorize_avx2NCNCNvCskub3oPIXb1_5trial4mains0_0s0_0uEB1Y_";
        assert_eq!(demangle::short(closure), "vectorize_avx2<main::{closure#2}::{closure#2}, ()>");
        assert!(demangle::full(closure).starts_with("<fearless_simd::generated::avx2::Avx2 as fearless_simd::"));
        assert_eq!(demangle::short("memcpy"), "memcpy");
    }
}
