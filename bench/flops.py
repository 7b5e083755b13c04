"""The matrix products of a trial, counted: what any implementation has to multiply, without padding and without masks.

A layer's weight costs 2 operations a row forward, 2 for its gradient and 2 for its input's gradient; the encoders' inputs are
data and need none. Attention has no weights: a token of one modality asks the 8 tokens of the other.
"""
from collections import Counter

TOKENS, HEADS, CLASSES, BATCH, WIDTHS = 8, 4, 8, 32, (69, 56)


def linear(inputs, outputs, tokens=1, first=False, copies=1):
    """-> [(shape of one batch as bench_sgemm_rates names it, operations a row, forward?)]"""
    rows, operations = BATCH * tokens, 2 * inputs * outputs * tokens * copies
    products = [(f"nn:1x{rows}x{outputs}x{inputs}", operations, True),
                (f"tn:1x{inputs}x{outputs}x{rows}", operations, False)]
    return products if first else products + [(f"nt:1x{rows}x{inputs}x{outputs}", operations, False)]


def attention(hidden, modalities):
    """Scores and context forward; dV and dP, dQ and dK backward."""
    batch, depth = BATCH * HEADS * modalities, hidden // HEADS
    operations = 2 * TOKENS * TOKENS * hidden * modalities
    to_scores, to_tokens = f"{batch}x{TOKENS}x{TOKENS}x{depth}", f"{batch}x{TOKENS}x{depth}x{TOKENS}"
    return [(f"nt:{to_scores}", operations, True), (f"nn:{to_tokens}", operations, True),
            (f"tn:{to_tokens}", operations, False), (f"nt:{to_scores}", operations, False),
            (f"nn:{to_tokens}", operations, False), (f"tn:{to_tokens}", operations, False)]


def products(model, hidden):
    if model == "mlp":
        return linear(WIDTHS[0], hidden, first=True) + linear(hidden, CLASSES)
    out = [p for width in WIDTHS for p in linear(width, hidden, first=True)]
    if model == "gated":
        return out + linear(2 * hidden, hidden) + linear(hidden, 2) + linear(hidden, CLASSES)
    out += linear(hidden, TOKENS * hidden, copies=2)              # tokens of each modality
    out += linear(hidden, 3 * hidden, tokens=TOKENS, copies=2)    # keys, queries, values
    out += attention(hidden, modalities=2)
    out += linear(hidden, hidden, tokens=TOKENS, copies=2)        # output
    return out + linear(2 * hidden, hidden) + linear(hidden, CLASSES)


def of_trial(model, hidden, epochs, train_rows, validation_rows, test_rows):
    """Floating-point operations by shape: training rows forward and backward, the others forward."""
    by_shape = Counter()
    for shape, operations, forward in products(model, hidden):
        rows = epochs * train_rows + (epochs * validation_rows + test_rows if forward else 0)
        by_shape[shape] += operations * rows
    return by_shape
