"""A Slurm cluster of one node on this machine; its settings stand in /etc/slurm, where `srun` looks for them."""

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

SETTINGS = Path("/etc/slurm/slurm.conf"), Path("/etc/slurm/cgroup.conf")
CONF = """ClusterName=tilseq
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=5
MpiDefault=none
ReturnToService=2
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} Sockets=1 CoresPerSocket={cores} ThreadsPerCore=1 RealMemory={memory}
PartitionName=batch Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def cluster(folder):
    """Run the daemons for the length of a block, with state and logs in a folder; skip where they are not to be had."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("munged", "slurmctld", "slurmd"))):
        pytest.skip("needs root, and Debian's slurm-wlm and munge")
    if any(path.exists() for path in SETTINGS):
        pytest.skip(f"{SETTINGS[0].parent} holds the settings of another cluster")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = os.uname().nodename.split(".")[0]
    memory = int(psutil.virtual_memory().total * 0.7) // 2**20
    daemons = []
    try:
        SETTINGS[0].parent.mkdir(exist_ok=True)
        SETTINGS[0].write_text(CONF.format(host=host, folder=folder, cores=os.cpu_count(), memory=memory))
        SETTINGS[1].write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        socket = Path("/run/munge")
        socket.mkdir(mode=0o755, exist_ok=True)
        shutil.chown(socket, "munge", "munge")
        for command in (["runuser", "-u", "munge", "--", "munged", "-F"], ["slurmctld", "-D", "-i"], ["slurmd", "-D"]):
            daemons.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(1)
        wait_until(lambda: "idle" in slurm("sinfo", "--noheader", "--format=%T"))
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()
        for path in SETTINGS:
            path.unlink(missing_ok=True)


def slurm(*command):
    """Return what a command of Slurm prints; without its daemon one never ends."""
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)
