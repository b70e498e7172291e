"""The example of docs/graphs.md. Writes graphs.svg, and prints the table."""

import autograd_c as torch

x, target = torch.ones(64, 784), torch.zeros(64, 10)
w1, b1 = torch.ones(784, 32, requires_grad=True), torch.zeros(32, requires_grad=True)
w2, b2 = torch.ones(32, 10, requires_grad=True), torch.zeros(10, requires_grad=True)

hidden = torch.relu(x @ w1 + b1)
y = hidden @ w2 + b2
loss = ((y - target) ** 2).mean() + 0.01 * (w1**2).sum()

names = {"w1": w1, "b1": b1, "w2": w2, "b2": b2, "hidden": hidden}
torch.autograd.graph.draw(loss, names).save("graphs.svg")
print(torch.autograd.graph.memory(loss))
