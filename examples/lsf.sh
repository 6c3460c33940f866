#!/bin/bash
# Trains a model by Trireme under LSF. To be copied and edited, and submitted by: bsub < lsf.sh
# NOT TESTED with an LSF: written from its manual; that for Slurm (`trireme submit`) is tested.
#
# LSF sends USR1 five minutes before the limit. The run then ends with a checkpoint and code 85, and
# LSF puts the job back in its queue (-Q), where it gives the same command again and goes on.

#BSUB -J run
#BSUB -n 10
#BSUB -R "span[ptile=5]"
#BSUB -W 24:00
#BSUB -wt 5
#BSUB -wa USR1
#BSUB -Q 85
#BSUB -r
#BSUB -o run.lsf.out

run=
again=no # whether it is to be told again
ask() { # TERM comes from bkill and from preemption
    again=yes
    [ -z "$run" ] || kill -USR1 "$run" 2>/dev/null
}
trap ask USR1 USR2 TERM

# 10 ranks: 1 coordinator, 1 server, 8 workers. An Open MPI that was built for LSF knows the hosts.
trireme train run.yaml --out run --workers 8 --servers 1 --hostfile "$LSB_DJOB_HOSTFILE" \
    --max-seconds $((24 * 3600 - 240)) &
run=$!
while :; do
    if [ $again = yes ]; then # what comes while it begins may be lost
        again=no
        sleep 1 &
        wait $!
        [ -z "$(jobs -rp)" ] || kill -USR1 "$run" 2>/dev/null
    fi
    wait "$run"
    code=$?
    [ $again = yes ] || break # a signal ends wait, not the run
done
exit $code
