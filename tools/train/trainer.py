# SPDX-License-Identifier: Apache-2.0
"""The training loop: AdamW, linear warmup and decay, length-bucketed batches, averaged weights,
early stopping, checkpoints that resume to the same bits.

A task says what a loss and a score are (tasks.py); the loop knows neither.

Under torchrun, each of its processes takes its share of every batch and the gradients are averaged;
the first process scores and writes.
"""
import json
import logging
import math
import os
import pathlib
import platform
import time

import numpy as np
import torch
import torch.distributed as dist
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm
from transformers import get_linear_schedule_with_warmup

import data
import encoders
import fakequant

log = logging.getLogger("train")


def join_processes(device):
    """Meets the other processes of torchrun, if there are any."""
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
        if device.startswith("cuda"):
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


def rank():
    return dist.get_rank() if dist.is_initialized() else 0


def world():
    return dist.get_world_size() if dist.is_initialized() else 1


def add_options(parser):
    """The options of every task."""
    o = parser.add_argument_group("training")
    o.add_argument("--epochs", type=float, default=3)
    o.add_argument("--lr", type=float, default=3e-5, help="learning rate of the last layer")
    o.add_argument("--head-lr", type=float, default=None, help="of the heads (default: 10 x lr)")
    o.add_argument("--layer-decay", type=float, default=1.0,
                   help="each layer below the last learns this much slower")
    o.add_argument("--freeze", type=int, default=0, metavar="N",
                   help="leave as they are: 1 the word embeddings, 2 all embeddings and the first "
                   "layer, 3 the second layer too ... (faster, and less is forgotten)")
    o.add_argument("--batch", type=int, default=32)
    o.add_argument("--warmup", type=float, default=.1, help="share of the steps")
    o.add_argument("--weight-decay", type=float, default=.01)
    o.add_argument("--label-smoothing", type=float, default=.05)
    o.add_argument("--dropout", type=float, default=.1)
    o.add_argument("--clip", type=float, default=1.0, help="largest gradient norm")
    o.add_argument("--ema", type=float, default=0.0,
                   help="average the weights over the steps, with this decay (0: do not)")
    o.add_argument("--max-tokens", type=int, default=128)
    o.add_argument("--seed", type=int, default=1)
    o.add_argument("--head-seed", type=int, default=None,
                   help="of the first weights of new heads (default: --seed); runs whose weights will "
                   "be averaged need the same")
    o.add_argument("--evaluate-every", type=float, default=1.0, help="epochs")
    o.add_argument("--patience", type=int, default=2,
                   help="stop after this many evaluations without a better score")
    q = parser.add_argument_group("training for few bits (fakequant.py)")
    q.add_argument("--fake-quant", default="", metavar="BITS[:GROUP]",
                   help="round the linear layers in the forward pass as 'relevance convert' will; "
                   "the group as there by default.  Scores are then those of rounded weights; what "
                   "is saved are the weights before")
    q.add_argument("--fake-quant-embeddings", default="", metavar="BITS[:GROUP]",
                   help="likewise the word embeddings")
    q.add_argument("--fake-quant-from", type=float, default=0.0, metavar="EPOCH",
                   help="from there on (default 0: all the time)")
    r = parser.add_argument_group("running")
    r.add_argument("--out", required=True, metavar="DIR",
                   help="DIR/model, DIR/card.json, DIR/log.txt, DIR/checkpoint.pt")
    r.add_argument("--restart", action="store_true", help="discard a checkpoint in --out")
    r.add_argument("--checkpoint-every", type=float, default=300, help="seconds")
    r.add_argument("--threads", type=int, default=None, help="of PyTorch on a CPU")
    r.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    r.add_argument("--bf16", action="store_true",
                   help="bfloat16 autocast: for GPUs; README.md has what it does on a CPU")
    r.add_argument("--stop-after", type=int, default=None, metavar="STEPS",
                   help="write a checkpoint and stop, as an interruption would")


# Do not change the result, so a checkpoint may be continued with other values.
_RUNNING = {"out", "restart", "checkpoint_every", "threads", "stop_after"}


def settings_of(args):
    return {k: v for k, v in sorted(vars(args).items()) if k not in _RUNNING and not callable(v)}


def depth_of(name, layers):
    """0 for embeddings, 1 for the first layer ... of an encoder's parameter."""
    parts = name.split(".")
    if "layer" in parts:
        return int(parts[parts.index("layer") + 1]) + 1
    return 0 if "embeddings" in parts else layers


def freeze(model, n):
    """See --freeze."""
    encoder = model.base_model_prefix + "."
    for name, p in model.named_parameters():
        if name.startswith(encoder) and n > 0:
            depth = depth_of(name, model.config.num_hidden_layers)
            if depth < n and (n > 1 or "word_embeddings" in name):
                p.requires_grad_(False)


def parameter_groups(model, args):
    """Heads at head_lr; the encoder's layers at lr, the lower ones slower; embeddings slowest."""
    layers = getattr(model.config, "num_hidden_layers")
    encoder = model.base_model_prefix + "."
    groups = {}
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        if not name.startswith(encoder):
            lr = args.head_lr if args.head_lr is not None else 10 * args.lr
        else:
            lr = args.lr * args.layer_decay ** (layers - depth_of(name, layers))
        decay = args.weight_decay if p.ndim > 1 else 0.0
        groups.setdefault((lr, decay), []).append(p)
    return [{"params": p, "lr": lr, "weight_decay": decay} for (lr, decay), p in groups.items()]


def write_atomically(path, write):
    """write(temporary name), then rename: an interrupted run leaves the old file whole."""
    path = pathlib.Path(path)
    temporary = path.with_name(path.name + ".tmp")
    write(temporary)
    os.replace(temporary, path)


def versions():
    import tokenizers
    import transformers
    return {"python": platform.python_version(), "torch": torch.__version__,
            "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
            "numpy": np.__version__}


@torch.no_grad()
def predict(model, rows, task, batch_size=64, progress=False):
    """The task's outputs of every row, in the rows' order."""
    model.eval()
    device = next(model.parameters()).device
    out = [None] * len(rows)
    for index in tqdm(data.batches(rows, batch_size), desc="predict", unit="batch", leave=False,
                      disable=not progress):
        batch = data.collate([rows[i] for i in index], task.pad_id, task.token_types, device)
        for i, value in zip(index, task.outputs(model(**batch["inputs"]), batch)):
            out[i] = value
    return out


class Run:
    """One training run, which knows where it stands."""

    def __init__(self, args, model, tokenizer, task, rows, dev_rows, files):
        self.args, self.model, self.tokenizer, self.task = args, model, tokenizer, task
        self.rows, self.dev_rows, self.files = rows, dev_rows, files
        self.out = pathlib.Path(args.out)
        self.device = torch.device(args.device)
        model.to(self.device)
        freeze(model, args.freeze)
        self.rounds = bool(args.fake_quant or args.fake_quant_embeddings)
        if self.rounds:
            fakequant.prepare(model, args.fake_quant, args.fake_quant_embeddings)
        self.steps_per_epoch = math.ceil(len(rows) / args.batch)
        self.total = max(1, round(args.epochs * self.steps_per_epoch))
        self.evaluate_steps = max(1, round(args.evaluate_every * self.steps_per_epoch))
        self.optimizer = torch.optim.AdamW(parameter_groups(model, args), fused=True)
        self.schedule = get_linear_schedule_with_warmup(
            self.optimizer, round(args.warmup * self.total), self.total)
        self.average = None
        if args.ema:
            self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(args.ema))
        self.step, self.seconds, self.best, self.bad = 0, 0.0, None, 0
        self.history = []

    @property
    def checkpoint(self):
        return self.out / "checkpoint.pt"

    def save(self):
        random = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                 "schedule": self.schedule.state_dict(), "random": random,
                 "average": self.average.state_dict() if self.average else None,
                 "settings": json.dumps(settings_of(self.args)), "files": self.files,
                 "scales": fakequant.scales(self.model),
                 **{k: getattr(self, k) for k in ("step", "seconds", "best", "bad", "history")}}
        write_atomically(self.checkpoint, lambda path: torch.save(state, path))

    def resume(self):
        """Takes up the checkpoint in --out.  Refuses one of other settings or other data."""
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        old, new = json.loads(state["settings"]), json.loads(json.dumps(settings_of(self.args)))
        differ = [k for k in sorted(old.keys() | new.keys()) if old.get(k) != new.get(k)]
        differ += [f"the content of {f}" for f in self.files
                   if state["files"].get(f) != self.files[f]]
        if differ:
            raise SystemExit(f"{self.checkpoint} is of a run with another {', '.join(differ)}: use "
                             "the same settings, another --out, or --restart")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average:
            self.average.load_state_dict(state["average"])
        fakequant.set_scales(self.model, state["scales"])
        for k in ("step", "seconds", "best", "bad", "history"):
            setattr(self, k, state[k])
        torch.set_rng_state(state["random"]["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random"]["cuda"], self.device)
        if rank() > 0:  # only the first process's state is kept
            torch.manual_seed(self.args.seed + 1000 * rank() + self.step)
        log.info("resumed at step %d of %d", self.step, self.total)

    def average_gradients(self):
        """Over the processes, as one message."""
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        flat = torch.cat([g.view(-1) for g in gradients])
        dist.all_reduce(flat)
        for g, part in zip(gradients, flat.div_(world()).split([g.numel() for g in gradients])):
            g.copy_(part.view_as(g))

    def rounding(self):
        """Whether weights are rounded by now."""
        return self.rounds and self.step >= self.args.fake_quant_from * self.steps_per_epoch

    def train_step(self, index):
        if self.rounding() and (self.step % fakequant.REFRESH == 0
                                or None in fakequant.scales(self.model).values()):
            fakequant.refresh(self.model)
        # A last batch smaller than the number of processes is done by all of them.
        index = index[rank()::world()] or index
        batch = data.collate([self.rows[i] for i in index], self.task.pad_id,
                             self.task.token_types, self.device)
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16):
            output = self.model(**batch["inputs"])
        loss = self.task.loss(output, batch)
        if not torch.isfinite(loss):
            raise SystemExit(f"step {self.step}: the loss is {loss.item()}; try a smaller --lr")
        loss.backward()
        if world() > 1:
            self.average_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.args.clip)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        if self.average:
            self.average.update_parameters(self.model)
        return loss.item()

    def judged(self):
        """The model that is scored and exported."""
        return self.average.module if self.average else self.model

    def evaluate(self, loss):
        """Scores on dev; exports the model where it is the best.  True: go on."""
        going = [self._evaluate(loss) if rank() == 0 else None]
        if world() > 1:
            dist.broadcast_object_list(going, 0)
        return going[0]

    def _evaluate(self, loss):
        if self.rounding():
            fakequant.refresh(self.judged())
        scores = self.task.score(predict(self.judged(), self.dev_rows, self.task), self.dev_rows)
        value = scores[self.task.select]
        self.history.append({"step": self.step, "epoch": self.step / self.steps_per_epoch,
                             "loss": loss, "seconds": self.seconds, **scores})
        # Scores before the rounding began are of another model than the one that is wanted.
        first = self.rounding() and self.step - self.evaluate_steps < (
            self.args.fake_quant_from * self.steps_per_epoch)
        better = self.best is None or first or value > self.best
        log.info("epoch %.2f, step %d: loss %.4f, %s%s", self.step / self.steps_per_epoch, self.step,
                 loss, ", ".join(f"{k} {v:.4f}" for k, v in scores.items() if isinstance(v, float)),
                 " (best)" if better else "")
        self.bad = 0 if better else self.bad + 1
        if better:
            self.best = value
            encoders.save(self.judged(), self.tokenizer, self.out / "model")
        return self.bad < self.args.patience

    def run(self):
        """Trains to the end (or to --stop-after).  Returns the run card, or None if not at the end."""
        args = self.args
        self.out.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(self.out / "log.txt" if rank() == 0 else os.devnull)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        log.addHandler(handler)
        try:
            return self._run(args)
        finally:
            log.removeHandler(handler)
            handler.close()

    def _run(self, args):
        torch.manual_seed(args.seed + 1000 * rank())
        if rank() > 0:
            log.setLevel(logging.WARNING)
        if self.checkpoint.exists() and not args.restart:
            self.resume()
        log.info("%d rows, %d to score on, %d steps of %d, %d weights, %s", len(self.rows),
                 len(self.dev_rows), self.total, args.batch,
                 sum(p.numel() for p in self.model.parameters()), self.device)
        going = self.bad < args.patience
        losses, saved, started, before = [], time.monotonic(), time.monotonic(), self.seconds
        bar = tqdm(total=self.total, initial=self.step, unit="step", dynamic_ncols=True,
                   disable=rank() > 0)
        while going and self.step < self.total:
            epoch, done = divmod(self.step, self.steps_per_epoch)
            order = data.batches(self.rows, args.batch, np.random.default_rng([args.seed, epoch]))
            for index in order[done:]:
                losses.append(self.train_step(index))
                self.step += 1
                self.seconds = before + time.monotonic() - started
                bar.update()
                bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}", refresh=False)
                if self.step % self.evaluate_steps == 0 or self.step == self.total:
                    going = self.evaluate(float(np.mean(losses)))
                    losses = []
                stop = self.step == args.stop_after
                if stop or time.monotonic() - saved > args.checkpoint_every:
                    if rank() == 0:
                        self.save()
                    saved = time.monotonic()
                if stop:
                    bar.close()
                    return None
                if not going or self.step == self.total:
                    break
        bar.close()
        if rank() > 0:
            return None
        self.save()
        if not going:
            log.info("stopped: %d evaluations without a better %s", self.bad, self.task.select)
        return self.card()

    def card(self):
        """What was done, in enough detail to do it again: DIR/card.json."""
        model = encoders.load(self.out / "model").to(self.device)
        if self.rounding():
            fakequant.prepare(model, self.args.fake_quant, self.args.fake_quant_embeddings)
            fakequant.refresh(model)
        card = {"task": self.task.name, "settings": settings_of(self.args), "data_sha256": self.files,
                "rows": len(self.rows), "dev_rows": len(self.dev_rows), "steps": self.step,
                "seconds": round(self.seconds), "device": str(self.device), "versions": versions(),
                "selected_by": self.task.select, "history": self.history,
                "scores": self.task.final(predict(model, self.dev_rows, self.task), self.dev_rows)}
        for file in ("config.json", "model.safetensors"):
            card.setdefault("model_sha256", {})[file] = data.sha256(self.out / "model" / file)
        write_atomically(self.out / "card.json",
                         lambda path: path.write_text(json.dumps(card, indent=1) + "\n"))
        return card
