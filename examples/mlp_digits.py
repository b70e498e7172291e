"""Handwritten digits of 8 x 8 pixels, told apart by two layers.

    python examples/mlp_digits.py

The digits are scikit-learn's, which has to be installed. The same file runs on PyTorch: change the import.
"""

import autograd_c as torch  # or: import torch

torch.set_default_dtype(torch.float64)


def digits():
    """Return pixels from 0 to 1 and classes, of 1437 digits for training and 360 for testing."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise SystemExit("this example takes its digits from scikit-learn: pip install scikit-learn") from None
    pixels, classes = load_digits(return_X_y=True)
    x, y = torch.tensor(pixels / 16.0), torch.tensor(classes)
    return (x[:1437], y[:1437]), (x[1437:], y[1437:])


def network():
    """Return the model, with initial weights drawn at random."""
    return torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))


def train(model, x, y, epochs=10, batch=64):
    """Return the loss of each step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = torch.nn.CrossEntropyLoss()
    losses = []
    for _ in range(epochs):
        for inputs, classes in zip(x.split(batch), y.split(batch), strict=True):
            optimizer.zero_grad()
            loss = criterion(model(inputs), classes)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def main():
    """Train, and print how well on digits not trained with."""
    training, testing = digits()
    model = network()
    losses = train(model, *training)
    with torch.no_grad():
        right = (model(testing[0]).argmax(dim=1) == testing[1]).double().mean()
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}, {right.item():.1%} of {len(testing[1])} new digits right")


if __name__ == "__main__":
    main()
