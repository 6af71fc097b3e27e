//! Compares every kernel, on every instruction set of this machine, with plain loops in double precision.

use proptest::prelude::*;

use super::*;

fn floats(length: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-8.0_f32..8.0, length)
}

fn erf(x: f64) -> f64 {
    // Maclaurin series: exact to 1e-12 for |x| <= 4 in double precision
    if x.abs() > 4.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-17 {
        n += 1.0;
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn this_machine_tests_the_portable_kernels_and_its_own() {
    let sets = Isa::available();
    assert_eq!(sets[0], Isa::detect());
    assert_eq!(sets.last(), Some(&Isa::Portable));
    // Whoever runs the tests on a certain processor, or emulates one, can say which kernels that processor must get.
    if let Some(expected) = std::env::var_os("EXPECTED_INSTRUCTION_SET") {
        assert_eq!(format!("{:?}", sets[0]), expected.to_string_lossy());
    }
}

/// Returns pseudo-random bytes that are the same in every run, the extreme ones more often than others.
fn random_bytes(mut state: u64) -> impl FnMut() -> u8 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state >> 60 {
            0 => 0,
            1 => u8::MAX,
            2 => 1 << 7,
            _ => state.to_le_bytes()[3],
        }
    }
}

/// Returns rows of input in the stride of a matrix. What lies behind the inputs of a row must not change the product.
fn strided(matrix: &PackedMatrix, input: &[u8]) -> Vec<u8> {
    let mut rows = Vec::new();
    for row in input.chunks_exact(matrix.inputs()) {
        rows.extend_from_slice(row);
        rows.resize(rows.len() + matrix.input_stride() - matrix.inputs(), 99);
    }
    rows
}

#[test]
fn integer_sums_are_exact_in_every_shape_on_every_instruction_set() {
    let mut next = random_bytes(0x9E37_79B9_7F4A_7C15);
    for inputs in [4, 8, 12, 16, 20, 24, 36, 48, 64, 100, 384] {
        for outputs in [1, 3, 15, 16, 17, 47, 48, 49, 64] {
            let weights: Vec<i8> = (0..inputs * outputs)
                .map(|_| next().cast_signed())
                .collect();
            for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 17] {
                let input: Vec<u8> = (0..rows * inputs).map(|_| next()).collect();
                let params = QuantizationParams {
                    scale: 1.0,
                    zero_point: i32::from(next()),
                };
                for isa in Isa::available() {
                    let (scales, bias) = (vec![1.0; outputs], vec![0.0; outputs]);
                    let matrix = PackedMatrix::new(isa, inputs, &weights, &scales, &bias);
                    let mut out = vec![f32::NAN; rows * matrix.row_stride()];
                    let input_rows = strided(&matrix, &input);
                    let scratch = &mut BalancedInput::default();
                    multiply(&matrix, rows, &input_rows, params, scratch, &mut out);
                    for (row, input) in input.chunks_exact(inputs).enumerate() {
                        for output in 0..outputs {
                            let products = input.iter().enumerate().map(|(index, &byte)| {
                                let weight = i32::from(weights[index * outputs + output]);
                                (i32::from(byte) - params.zero_point) * weight
                            });
                            // Below 2^24 a float holds every whole number.
                            assert_eq!(
                                out[row * matrix.row_stride() + output],
                                products.sum::<i32>() as f32,
                                "{isa:?}: row {row} of {rows}, output {output} of {outputs}, {inputs} inputs"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn gelu_is_exact_to_1e_6() {
    let values: Vec<f32> = (-16_000..16_000).map(|n| n as f32 / 1000.0).collect();
    for isa in Isa::available() {
        let mut found = values.clone();
        gelu(isa, &mut found);
        for (&x, &y) in values.iter().zip(&found) {
            let exact = 0.5 * f64::from(x) * (1.0 + erf(f64::from(x) / 2.0_f64.sqrt()));
            let error = (f64::from(y) - exact).abs();
            assert!(
                error < 1e-6 * f64::from(x.abs().max(1.0)),
                "{isa:?}: gelu({x}) = {y}, off by {error}"
            );
        }
    }
}

#[test]
fn constant_values_quantize_without_a_division_by_zero() {
    for isa in Isa::available() {
        for value in [0.0, 3.0, -3.0] {
            let mut bytes = [0; 32];
            let params = quantize(isa, &[value; 32], &mut bytes);
            let back = (f32::from(bytes[0]) - params.zero_point as f32) * params.scale;
            assert!(
                (back - value).abs() < 1e-5 && params.scale > 0.0,
                "{isa:?}: {value} came back as {back}"
            );
        }
    }
}

#[test]
fn the_largest_sums_do_not_saturate() {
    let (inputs, outputs) = (1536, 16);
    for isa in Isa::available() {
        for weight in [i8::MIN, i8::MAX] {
            let matrix = PackedMatrix::new(
                isa,
                inputs,
                &vec![weight; inputs * outputs],
                &[1.0; 16],
                &[0.0; 16],
            );
            let mut out = [0.0; 16];
            multiply(
                &matrix,
                1,
                &vec![255; inputs],
                QuantizationParams {
                    scale: 1.0,
                    zero_point: 0,
                },
                &mut BalancedInput::default(),
                &mut out,
            );
            assert_eq!(
                out,
                [255.0 * f32::from(weight) * inputs as f32; 16],
                "{isa:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn products_are_those_of_plain_loops(
        rows in 1_usize..20,
        inputs in (1_usize..12).prop_map(|n| n * 4),
        outputs in 1_usize..120,
        zero_point in 0..256_i32,
        seed in any::<u64>(),
    ) {
        let mut next = random_bytes(seed | 1);
        let weights: Vec<i8> = (0..inputs * outputs).map(|_| next().cast_signed()).collect();
        let input: Vec<u8> = (0..rows * inputs).map(|_| next()).collect();
        let scales: Vec<f32> = (0..outputs).map(|_| f32::from(next()) / 1e3).collect();
        let bias: Vec<f32> = (0..outputs).map(|_| f32::from(next()) - 128.0).collect();
        let params = QuantizationParams { scale: 0.01, zero_point };
        for isa in Isa::available() {
            let matrix = PackedMatrix::new(isa, inputs, &weights, &scales, &bias);
            let mut out = vec![f32::NAN; rows * matrix.row_stride()];
            multiply(&matrix, rows, &strided(&matrix, &input), params, &mut BalancedInput::default(), &mut out);
            for row in 0..rows {
                for output in 0..outputs {
                    let sum: i32 = (0..inputs)
                        .map(|i| (i32::from(input[row * inputs + i]) - zero_point) * i32::from(weights[i * outputs + output]))
                        .sum();
                    let expected = f64::from(sum) * 0.01 * f64::from(scales[output]) + f64::from(bias[output]);
                    let found = f64::from(out[row * matrix.row_stride() + output]);
                    prop_assert!((found - expected).abs() < 1e-4 * expected.abs().max(10.0), "{isa:?}: {found} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn quantized_values_are_half_a_step_away_at_most(values in (1_usize..9).prop_flat_map(|n| floats(n * ALIGN))) {
        let mut expected: Option<(QuantizationParams, Vec<u8>)> = None;
        for isa in Isa::available() {
            let mut bytes = vec![0; values.len()];
            let params = quantize(isa, &values, &mut bytes);
            for (&value, &byte) in values.iter().zip(&bytes) {
                let back = (f32::from(byte) - params.zero_point as f32) * params.scale;
                prop_assert!((back - value).abs() <= params.scale * 0.5001 + params.scale * 0.5, "{isa:?}: {value} came back as {back}");
            }
            let found = (params, bytes);
            prop_assert_eq!(expected.get_or_insert_with(|| found.clone()), &found);
        }
    }

    #[test]
    fn normalized_rows_are_those_of_the_formula(values in floats(3 * 48), residual in floats(3 * 48), gamma in floats(48), beta in floats(48)) {
        for isa in Isa::available() {
            for residual in [None, Some(residual.as_slice())] {
                let mut found = values.clone();
                add_and_normalize(isa, &mut found, residual, &gamma, &beta, 1e-12);
                for row in 0..3 {
                    let sums: Vec<f64> = (0..48).map(|i| f64::from(values[row * 48 + i]) + residual.map_or(0.0, |r| f64::from(r[row * 48 + i]))).collect();
                    let mean = sums.iter().sum::<f64>() / 48.0;
                    let variance = sums.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 48.0;
                    for (i, sum) in sums.iter().enumerate() {
                        let expected = (sum - mean) / (variance + 1e-12).sqrt() * f64::from(gamma[i]) + f64::from(beta[i]);
                        prop_assert!((f64::from(found[row * 48 + i]) - expected).abs() < 1e-4, "{isa:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn attention_is_that_of_the_formula(
        (tokens, count, width, qkv) in (1_usize..40, 1_usize..4, 1_usize..4)
            .prop_flat_map(|(t, c, w)| (Just(t), Just(c), Just(w * ALIGN), floats(t * c * w * ALIGN * 3)))
    ) {
        let heads = Heads { count, width, scale: 0.2 };
        let hidden = heads.hidden();
        let at = |part: usize, token: usize, column: usize| f64::from(qkv[token * 3 * hidden + part * hidden + column]);
        for isa in Isa::available() {
            let mut found = vec![f32::NAN; tokens * hidden];
            attention(isa, &qkv, tokens, heads, &mut AttentionScratch::default(), &mut found);
            for head in 0..count {
                for query in 0..tokens {
                    let columns = head * width..(head + 1) * width;
                    let scores: Vec<f64> = (0..tokens)
                        .map(|key| columns.clone().map(|c| at(0, query, c) * at(1, key, c)).sum::<f64>() * f64::from(heads.scale))
                        .collect();
                    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let shares: Vec<f64> = scores.iter().map(|s| (s - highest).exp()).collect();
                    let sum: f64 = shares.iter().sum();
                    for column in columns {
                        let expected: f64 = (0..tokens).map(|t| shares[t] / sum * at(2, t, column)).sum();
                        let error = (f64::from(found[query * hidden + column]) - expected).abs();
                        prop_assert!(error < 1e-3, "{isa:?}: off by {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn attention_of_a_head_adds_its_bias(
        (tokens, count, width, values, biases) in (1_usize..40, 1_usize..12, 1_usize..3, 0_usize..3).prop_flat_map(|(t, q, w, kind)| {
            let width = w * ALIGN;
            (Just(t), Just(q), Just(width), floats((2 * t + q) * width), floats([0, t, q * t][kind]))
        })
    ) {
        let (queries, rest) = values.split_at(count * width);
        let (keys, values) = rest.split_at(tokens * width);
        let head = AttentionHead { queries, query_count: count, values, tokens, stride: width, width, scale: 0.2, bias: &biases };
        for isa in Isa::available() {
            let mut found = vec![f32::NAN; count * width];
            attend(isa, &head, keys, &mut AttentionScratch::default(), &mut found);
            for query in 0..count {
                let scores: Vec<f64> = (0..tokens)
                    .map(|token| {
                        let products = (0..width).map(|c| f64::from(queries[query * width + c]) * f64::from(keys[c * tokens + token]));
                        let bias = match biases.len() {
                            0 => 0.0,
                            rows if rows == tokens => biases[token],
                            _ => biases[query * tokens + token],
                        };
                        products.sum::<f64>() * 0.2 + f64::from(bias)
                    })
                    .collect();
                let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let shares: Vec<f64> = scores.iter().map(|s| (s - highest).exp()).collect();
                let sum: f64 = shares.iter().sum();
                for column in 0..width {
                    let expected: f64 = (0..tokens).map(|t| shares[t] / sum * f64::from(values[t * width + column])).sum();
                    let error = (f64::from(found[query * width + column]) - expected).abs();
                    prop_assert!(error < 1e-3, "{isa:?}: off by {error}");
                }
            }
        }
    }
}
