#!/usr/bin/env python3
"""Times TD-MPC in PyTorch beside `espalier bench`, row by row, and prints the ratios of one run.

    bench/peer_torch.py [--espalier build/release/espalier] [--threads N]

The network has the size of the one that `espalier bench` measures: 1,548,360 parameters, 28x28x9 pixels, latent 50, hidden 512, one
action. The code follows the TD-MPC paper (Hansen et al. 2022, Algorithms 1 and 2): one plan of 512 + 25 samples,
horizon 5, 6 iterations; one update of 64 samples, horizon 3; encoder and policy for one observation. The two programs
take turns, so that both see the same machine. PyTorch runs with one thread and with N, and its better time counts.
PyTorch is optional for espalier: Debian's python3-torch or the package `torch` of the Python package index.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError:
    sys.exit("peer_torch.py: PyTorch is not installed (Debian: apt install python3-torch)")

LATENT, HIDDEN, ACTION = 50, 512, 1
HORIZON, SAMPLES, ITERATIONS, ELITES = 5, 512, 6, 64
BATCH, UNROLL = 64, 3
DISCOUNT, RHO, STD, GRAD_CLIP, TAU, LR = 0.99, 0.5, 0.05, 10.0, 0.01, 1e-3


class Pixels(nn.Module):
    def forward(self, x):
        return x.float().div(255.0)


def head(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ELU(), nn.Linear(HIDDEN, HIDDEN), nn.ELU(),
                         nn.Linear(HIDDEN, outputs))


def value_head():
    return nn.Sequential(nn.Linear(LATENT + ACTION, HIDDEN), nn.LayerNorm(HIDDEN), nn.Tanh(),
                         nn.Linear(HIDDEN, HIDDEN), nn.ELU(), nn.Linear(HIDDEN, 1))


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(Pixels(), nn.Conv2d(9, 32, 7, stride=2), nn.ReLU(), nn.Conv2d(32, 32, 5),
                                     nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(),
                                     nn.Flatten(), nn.Linear(288, LATENT))
        self.dynamics, self.reward = head(LATENT + ACTION, LATENT), head(LATENT + ACTION, 1)
        self.pi, self.q1, self.q2 = head(LATENT, ACTION), value_head(), value_head()

    def next(self, z, a):
        x = torch.cat([z, a], dim=-1)
        return self.dynamics(x), self.reward(x)

    def q(self, z, a):
        x = torch.cat([z, a], dim=-1)
        return self.q1(x), self.q2(x)

    def noisy_pi(self, z):
        mu = torch.tanh(self.pi(z))
        noise = (torch.randn_like(mu) * STD).clamp(-0.3, 0.3)
        return mu + noise


@torch.no_grad()
def plan(agent, z0):
    policies = int(0.05 * SAMPLES)
    z, pi_actions = z0.repeat(policies, 1), torch.empty(HORIZON, policies, ACTION)
    for t in range(HORIZON):
        pi_actions[t] = agent.noisy_pi(z)
        z, _ = agent.next(z, pi_actions[t])
    mean, std = torch.zeros(HORIZON, ACTION), 2.0 * torch.ones(HORIZON, ACTION)
    start = z0.repeat(SAMPLES + policies, 1)
    for _ in range(ITERATIONS):
        noise = torch.randn(HORIZON, SAMPLES, ACTION)
        actions = torch.cat([(mean.unsqueeze(1) + std.unsqueeze(1) * noise).clamp(-1, 1), pi_actions], dim=1)
        z, value, weight = start, 0.0, 1.0
        for t in range(HORIZON):
            z, reward = agent.next(z, actions[t])
            value = value + weight * reward
            weight *= DISCOUNT
        value = (value + weight * torch.min(*agent.q(z, agent.noisy_pi(z)))).squeeze(1).nan_to_num(0.0)
        best = torch.topk(value, ELITES).indices
        score = torch.exp(0.5 * (value[best] - value[best].max()))
        score = (score / score.sum()).view(1, ELITES, 1)
        elites = actions[:, best]
        new = (score * elites).sum(dim=1) / (score.sum(dim=1) + 1e-9)
        std = ((score * (elites - new.unsqueeze(1)) ** 2).sum(dim=1) / (score.sum(dim=1) + 1e-9)).sqrt().clamp(0.05, 2)
        mean = 0.1 * mean + 0.9 * new
    return mean[0]


class Update:
    def __init__(self):
        self.net, self.target = Agent(), Agent()
        self.target.load_state_dict(self.net.state_dict())
        model = [p for n, p in self.net.named_parameters() if not n.startswith("pi.")]
        self.model_adam = torch.optim.Adam(model, lr=LR)
        self.pi_adam = torch.optim.Adam(self.net.pi.parameters(), lr=LR)
        self.model = model
        self.obs = torch.randint(0, 256, (BATCH, 9, 28, 28), dtype=torch.uint8)
        self.next_obs = torch.randint(0, 256, (UNROLL, BATCH, 9, 28, 28), dtype=torch.uint8)
        self.action = torch.rand(UNROLL, BATCH, ACTION) * 2 - 1
        self.reward = torch.rand(UNROLL, BATCH, 1)

    def __call__(self):
        net, target = self.net, self.target
        z = net.encoder(self.obs)
        zs, loss = [z.detach()], 0.0
        for t in range(UNROLL):
            q1, q2 = net.q(z, self.action[t])
            z, reward = net.next(z, self.action[t])
            with torch.no_grad():
                next_z = net.encoder(self.next_obs[t])
                td = self.reward[t] + DISCOUNT * torch.min(*target.q(next_z, net.noisy_pi(next_z)))
                z_target = target.encoder(self.next_obs[t])
            zs.append(z.detach())
            rho = RHO ** t
            loss = loss + rho * (2.0 * F.mse_loss(z, z_target) + 0.5 * F.mse_loss(reward, self.reward[t]) +
                                 0.1 * (F.mse_loss(q1, td) + F.mse_loss(q2, td)))
        self.model_adam.zero_grad(set_to_none=True)
        (loss / UNROLL).backward()
        nn.utils.clip_grad_norm_(self.model, GRAD_CLIP)
        self.model_adam.step()

        for p in list(net.q1.parameters()) + list(net.q2.parameters()):
            p.requires_grad_(False)
        self.pi_adam.zero_grad(set_to_none=True)
        pi_loss = sum(-RHO ** t * torch.min(*net.q(z, net.noisy_pi(z))).mean() for t, z in enumerate(zs))
        pi_loss.backward()
        nn.utils.clip_grad_norm_(net.pi.parameters(), GRAD_CLIP)
        self.pi_adam.step()
        for p in list(net.q1.parameters()) + list(net.q2.parameters()):
            p.requires_grad_(True)
        with torch.no_grad():
            for p, q in zip(net.parameters(), target.parameters()):
                q.lerp_(p, TAU)


def milliseconds(work, seconds=2.0):
    work()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        started = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def espalier_rows(executable, threads, names):
    """Median ms by (row, threads)."""
    rows = {}
    for name in names:
        out = subprocess.run([executable, "bench", "--only", name, "--threads", str(threads), "--json", "--quiet"],
                             check=True, stdout=subprocess.PIPE).stdout
        rows.update({(r["name"], r["threads"]): r["median"] for r in json.loads(out)["rows"]})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--espalier", default="build/release/espalier", help="the executable to compare with")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="the larger number of threads")
    args = parser.parse_args()
    if not os.access(args.espalier, os.X_OK):
        parser.error(f"{args.espalier}: not an executable; build espalier first or name it with --espalier")
    torch.manual_seed(1)
    agent = Agent()
    image, z0 = torch.randint(0, 256, (1, 9, 28, 28), dtype=torch.uint8), torch.randn(1, LATENT)

    @torch.no_grad()
    def policy():
        return torch.tanh(agent.pi(agent.encoder(image)))

    peers = {"plan.reference": lambda: plan(agent, z0), "policy.1": policy, "update": Update()}
    ours = sorted({1, args.threads})
    print(f"PyTorch {torch.__version__}, {sum(p.numel() for p in agent.parameters()):,} parameters; medians in ms")
    print(f"{'path':16}{'threads':>8}{'espalier':>10}{'PyTorch, 1':>12}{f'PyTorch, {args.threads}':>12}{'ratio to its best':>19}")
    for name, work in peers.items():
        found, peer = {}, {}
        for threads in ours:
            found.update(espalier_rows(args.espalier, threads, [name]))
            torch.set_num_threads(threads)
            peer[threads] = milliseconds(work)
        for (row, threads), ms in sorted(found.items()):
            print(f"{row:16}{threads:8}{ms:10.3f}{peer[1]:12.3f}{peer[args.threads]:12.3f}"
                  f"{min(peer.values()) / ms:18.2f}x")


if __name__ == "__main__":
    main()
