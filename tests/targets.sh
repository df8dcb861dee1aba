#!/bin/sh
# Compiles exports for other processors and replays their examples in emulators: Cortex-M4F and M7 (QEMU's MPS2 boards),
# AArch64 and RISC-V 64. Each target whose tools are missing is skipped by name; all missing: exit status 77.
# usage: targets.sh SOURCE_FOLDER ESPALIER
source=$1 espalier=$2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
export ESPALIER_MODELS="$source/models"
ran=0 failed=0

has() { # has NAME PROGRAM...
    name=$1
    shift
    for program; do
        command -v "$program" >/dev/null && continue
        echo "$name skipped: no $program"
        return 1
    done
}

run() { # run NAME EXPORT COMMAND...: the command's output says that the example passed
    name=$1 export=$2
    shift 2
    ran=$((ran + 1))
    if timeout 600 "$@" >"$folder/said" 2>&1 </dev/null && grep -q ": passed" "$folder/said"; then
        echo "$name, $export: $(cat "$folder/said")"
    else
        echo "$name, $export: FAILED"
        cat "$folder/said"
        failed=1
    fi
}

cortex() { # cortex NAME BOARD EXPORT FLAG...
    name=$1 board=$2 export=$3
    shift 3
    arm-none-eabi-gcc -std=c99 -O2 -mthumb "$@" -mfloat-abi=hard --specs=rdimon.specs -nostartfiles \
        "$source/tests/cortex_m/startup.s" "$(arm-none-eabi-gcc -mthumb "$@" -mfloat-abi=hard \
        -print-file-name=rdimon-crt0.o)" -T "$source/tests/cortex_m/memory.ld" -Wl,--no-warn-rwx-segments \
        "$folder/$export/controller.c" "$folder/$export/test_controller.c" -lm -o "$folder/test" || exit 1
    run "$name" "$export" qemu-system-arm -M "$board" -nographic -monitor none -serial none -semihosting \
        -kernel "$folder/test"
}

hosted() { # hosted NAME COMPILER EMULATOR EXPORT
    "$2" -std=c99 -O2 -static "$folder/$4/controller.c" "$folder/$4/test_controller.c" -lm -o "$folder/test" || exit 1
    run "$1" "$4" "$3" "$folder/test"
}

export_to() { # export_to FOLDER ARGUMENT...
    to=$1
    shift
    "$espalier" export "$@" --to c -o "$folder/$to" --quiet >/dev/null 2>"$folder/said" && return
    cat "$folder/said"
    grep -q EGL "$folder/said" && exit 77
    exit 1
}

export_to policy "$source/models/pendulum/agent.safetensors" --controller policy
export_to autoencoder "$source/models/mnist/autoencoder.safetensors"

for export in policy autoencoder; do
    if [ $export = policy ] && has "Cortex-M" arm-none-eabi-gcc qemu-system-arm; then
        cortex Cortex-M4F mps2-an386 $export -mcpu=cortex-m4 -mfpu=fpv4-sp-d16
        cortex Cortex-M7 mps2-an500 $export -mcpu=cortex-m7 -mfpu=fpv5-d16
    fi
    has AArch64 aarch64-linux-gnu-gcc qemu-aarch64 && hosted AArch64 aarch64-linux-gnu-gcc qemu-aarch64 $export
    has "RISC-V 64" riscv64-linux-gnu-gcc qemu-riscv64 && hosted "RISC-V 64" riscv64-linux-gnu-gcc qemu-riscv64 $export
done
[ $ran -gt 0 ] || exit 77
exit $failed
