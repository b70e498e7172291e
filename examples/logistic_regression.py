"""Logistic regression on two clouds of points.

    python examples/logistic_regression.py

The same file runs on PyTorch: change the import.
"""

import autograd_c as torch  # or: import torch

torch.set_default_dtype(torch.float64)


def clouds(count=100):
    """Points around (-1, -1) and (1, 1), on a spiral each, and which cloud each is of."""
    angle = torch.arange(float(count)) * 2.4  # the golden angle, which fills a disc evenly
    radius = 2.0 * (torch.arange(float(count)) / count) ** 0.5
    disc = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
    return torch.cat([disc - 1.0, disc + 1.0]), torch.cat([torch.zeros(count), torch.ones(count)])


def train(model, x, y, steps=100):
    """Return the loss of each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    criterion = torch.nn.BCEWithLogitsLoss()
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    """Train, and print how well."""
    x, y = clouds()
    model = torch.nn.Linear(2, 1)
    losses = train(model, x, y)
    with torch.no_grad():
        right = ((model(x).squeeze(1) > 0) == (y > 0.5)).double().mean()
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}, {right.item():.1%} right")
    print(f"weight {model.weight.tolist()}, bias {model.bias.tolist()}")


if __name__ == "__main__":
    main()
