#!/usr/bin/env python3
"""Records tasks of dm_control and Gymnasium for tests/test_parity.c: 200 steps of random actions from several starts.

usage: record.py FOLDER [TASK ...]
needs: pip install dm_control "gymnasium[mujoco]"

One file per task, FOLDER/<suite>-<task>.safetensors. All numbers are the 64 bits of a double, stored as I64, because
the reader in C knows no 64-bit floats. With N rows (steps), S starts:

  start_row [S]                 first row of each start
  start_qpos [S, nq], start_qvel [S, nv], start_warm [S, nv], start_mocap [S, 3 nmocap]
                                the state that it begins in (warm: qacc_warmstart)
  ctrl [N, nu]                  controls of the step
  last_qpos, last_qvel, last_warm [N, ...]
                                the state before the last physics step: what MuJoCo derives from the state belongs to
                                it when a step has ended
  qpos, qvel, warm [N, ...]     the state after the step
  obs [N, width], reward [N], terminated [N]
                                what the package says after the step

The metadata say `task` (env.task), `mujoco` (version), `package`, `seed`.
"""
import json
import os
import sys

import mujoco
import numpy as np

STEPS, STARTS, SEED = 200, 4, 1

SUITE = ["pendulum-swingup", "cartpole-balance", "cartpole-balance-sparse", "cartpole-swingup",
         "cartpole-swingup-sparse", "acrobot-swingup", "acrobot-swingup-sparse", "cheetah-run", "walker-stand",
         "walker-walk", "walker-run", "hopper-stand", "hopper-hop", "ball_in_cup-catch", "finger-spin", "reacher-easy"]
GYM = {"halfcheetah": "HalfCheetah-v4", "hopper": "Hopper-v4", "walker2d": "Walker2d-v4", "swimmer": "Swimmer-v4",
       "ant": "Ant-v4", "inverted_pendulum": "InvertedPendulum-v4",
       "inverted_double_pendulum": "InvertedDoublePendulum-v4", "reacher": "Reacher-v4", "pusher": "Pusher-v5"}


class Watch:
    """Keeps the state before every physics step, whichever package makes it."""

    def __init__(self, model, data):
        self.model, self.data, self.last = model, data, None
        self.originals = {name: getattr(mujoco, name) for name in ("mj_step", "mj_step2")}
        for name in self.originals:
            setattr(mujoco, name, self.wrap(name))

    def state(self):
        return [np.array(a, dtype=np.float64).ravel().copy()
                for a in (self.data.qpos, self.data.qvel, self.data.qacc_warmstart)]

    def wrap(self, name):
        def step(model, data, nstep=1):
            for _ in range(nstep):
                self.last = self.state()
                self.originals[name](model, data)
        return step

    def close(self):
        for name, function in self.originals.items():
            setattr(mujoco, name, function)


def near_goal(physics, domain):
    """Moves a start to where the reward of a sparse task is not 0."""
    data = physics.named.data
    if domain == "pendulum":
        data.qpos["hinge"] = 0.05
    if domain == "cartpole":
        data.qpos["hinge_1"] = 0.02
    if domain == "acrobot":
        data.qpos[:] = 0.0
    if domain == "finger":
        data.qvel["hinge"] = -18.0
    if domain == "ball_in_cup":
        data.qpos["ball_x"] += data.site_xpos["target", "x"] - data.xpos["ball", "x"]
        data.qpos["ball_z"] += data.site_xpos["target", "z"] - data.xpos["ball", "z"]
    if domain == "reacher":
        physics.named.model.geom_pos["target", :2] = data.geom_xpos["finger", :2] + [0.02, 0.01]


def forget_fields():
    """Lets dm_control run with a MuJoCo that lacks fields of the one it was made for."""
    from dm_control.mujoco.wrapper.mjbindings import sizes
    for struct, like in (("mjmodel", mujoco.MjModel), ("mjdata", mujoco.MjData)):
        for name in [n for n in sizes.array_sizes[struct] if not hasattr(like, n)]:
            del sizes.array_sizes[struct][name]


class Suite:
    """A task of the control suite."""

    def __init__(self, task):
        from dm_control import suite
        forget_fields()
        domain, name = task.split("-", 1)
        self.env = suite.load(domain, name.replace("-", "_"), task_kwargs={"random": SEED})
        self.space, self.domain, self.begun = self.env.action_spec(), domain, 0
        self.package = "dm_control " + version("dm_control")

    def model(self):
        return self.env.physics.model.ptr, self.env.physics.data.ptr

    def begin(self):
        """The last start is near the goal."""
        self.env.reset()
        self.begun += 1
        if self.begun == STARTS:
            near_goal(self.env.physics, self.domain)
            self.env.physics.forward()

    def mocap(self):
        """The place of the target, which the suite moves by changing the model."""
        model = self.env.physics.model
        return np.array(model.geom_pos[mujoco.mj_name2id(model.ptr, mujoco.mjtObj.mjOBJ_GEOM, "target")]) \
            if "Reacher" in type(self.env.task).__name__ else np.zeros(0)

    def step(self, action):
        step = self.env.step(action)
        obs = np.concatenate([np.ravel(v) for v in step.observation.values()])
        return obs, step.reward, 0.0

    def low_high(self):
        return self.space.minimum, self.space.maximum


class Gym:
    """A task of Gymnasium, without the wrapper that ends episodes by their length."""

    def __init__(self, task):
        import gymnasium
        self.env = gymnasium.make(GYM[task]).unwrapped
        self.seed = SEED
        self.package = "gymnasium " + version("gymnasium") + " " + GYM[task]

    def model(self):
        return self.env.model, self.env.data

    def begin(self):
        self.env.reset(seed=self.seed)
        self.seed += 1

    def mocap(self):
        return np.zeros(0)

    def step(self, action):
        obs, reward, terminated, _, _ = self.env.step(action)
        return obs, reward, float(terminated)

    def low_high(self):
        return self.env.action_space.low, self.env.action_space.high


def version(package):
    from importlib.metadata import version as of
    return of(package)


def record(suite, task):
    env = (Suite if suite == "control_suite" else Gym)(task)
    model, data = env.model()
    watch = Watch(model, data)
    rng = np.random.default_rng(SEED)
    low, high = (np.asarray(x, dtype=np.float64) for x in env.low_high())
    rows = {key: [] for key in ("start_row start_qpos start_qvel start_warm start_mocap ctrl last_qpos last_qvel "
                                "last_warm qpos qvel warm obs reward terminated").split()}

    def keep(prefix, state):
        for key, value in zip(("qpos", "qvel", "warm"), state):
            rows[prefix + key].append(value)

    ended = True
    for row in range(STEPS):
        if ended or row % (STEPS // STARTS) == 0:
            env.begin()
            rows["start_row"].append(float(row))
            rows["start_mocap"].append(env.mocap())
            keep("start_", watch.state())
        action = rng.uniform(low, high)
        obs, reward, terminated = env.step(action)
        ended = terminated > 0
        rows["ctrl"].append(np.array(data.ctrl, dtype=np.float64).copy())
        keep("last_", watch.last)
        keep("", watch.state())
        rows["obs"].append(np.asarray(obs, dtype=np.float64))
        rows["reward"].append(float(reward))
        rows["terminated"].append(terminated)
    watch.close()
    meta = {"task": suite + "/" + task, "mujoco": mujoco.mj_versionString(), "package": env.package,
            "seed": str(SEED)}
    return {k: np.array(v, dtype=np.float64).reshape(len(v), -1) for k, v in rows.items()}, meta


def write(path, tensors, meta):
    """A safetensors file: length of the header, header, tensors."""
    header, at = {"__metadata__": meta}, 0
    for name, value in sorted(tensors.items()):
        header[name] = {"dtype": "I64", "shape": list(value.shape), "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, value in sorted(tensors.items()):
            file.write(np.ascontiguousarray(value).view(np.int64).tobytes())


def main():
    folder, chosen = sys.argv[1], sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    for suite, tasks in (("control_suite", SUITE), ("gymnasium", GYM)):
        for task in tasks:
            if chosen and task not in chosen:
                continue
            tensors, meta = record(suite, task)
            tensors = {k: v for k, v in tensors.items() if v.size}
            write(os.path.join(folder, suite + "-" + task + ".safetensors"), tensors, meta)
            print(suite, task, {k: v.shape for k, v in tensors.items() if k in ("qpos", "obs", "start_row")},
                  "reward", tensors["reward"].sum())


if __name__ == "__main__":
    main()
