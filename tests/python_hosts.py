"""The controller inside Python programs that use MuJoCo's own package. Each function is a claim.

usage: python_hosts.py LIBRARY SOURCE_FOLDER
"""
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import mujoco

LIBRARY, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
AGENT = SOURCE + '/models/pendulum/agent.safetensors'
FOLDER = tempfile.mkdtemp(prefix='espalier-python-')
EPISODE = 1000  # physics steps; the step after it writes the log line with the return


def scene(log, extra=''):
    """The shipped scene, whose actuator is the engine plugin; the pole hangs."""
    physics = open(SOURCE + '/models/pendulum/physics.xml').read()
    physics = physics[physics.index('<mujoco>') + len('<mujoco>'):physics.index('</mujoco>')]
    text = open(SOURCE + '/models/pendulum/scene.xml').read()
    text = text.replace('<include file="physics.xml"/>', f'''
      <extension><plugin plugin="espalier.controller"><instance name="agent">
        <config key="checkpoint" value="{AGENT}"/><config key="controller" value="policy"/>
        <config key="log" value="{log}"/>{extra}
      </instance></plugin></extension>''' + physics)
    motor = '<motor name="torque" joint="hinge" gear="1"'
    assert motor in text
    return text.replace(motor, '<plugin name="torque" joint="hinge" plugin="espalier.controller" instance="agent"')


def make(log, **changes):
    model = mujoco.MjModel.from_xml_string(scene(log, **changes))
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 1)
    if os.path.exists(log):
        os.remove(log)  # written by the step with which the compiler tests a model
    return model, data


def path(name):
    return os.path.join(FOLDER, name)


def lines(log):
    """What was logged since the last call."""
    with open(log) as file:
        found = [json.loads(line) for line in file]
    os.remove(log)
    return found


def play(model, data, log, steps=EPISODE + 1):
    for _ in range(steps):
        mujoco.mj_step(model, data)
    return lines(log)


def engine_plugin_swings_the_pendulum_up():
    global expected
    model, data = make(path('engine'))
    expected = play(model, data, path('engine'))
    assert len(expected) == EPISODE // 8 + 1
    assert expected[-1]['return'] > 600, expected[-1]
    assert data.actuator_force[0] == data.ctrl[0]


def reset_begins_an_episode():
    model, data = make(path('reset'))
    for _ in range(100):
        mujoco.mj_step(model, data)
    os.remove(path('reset'))
    mujoco.mj_resetDataKeyframe(model, data, 1)
    assert play(model, data, path('reset')) == expected


def copy_resumes_like_the_original():
    model, data = make(path('copy'))
    half = EPISODE // 2 + 3
    for _ in range(half):
        mujoco.mj_step(model, data)
    other = mujoco.MjData(model)
    mujoco.mj_copyData(other, model, data)
    os.remove(path('copy'))
    assert play(model, other, path('copy'), EPISODE + 1 - half) == expected[half // 8 + 1:]


def two_models_do_not_disturb_each_other():
    pairs = [make(path('first')), make(path('second'), extra='<config key="period" value="0.06"/>')]
    for _ in range(EPISODE + 1):
        for model, data in pairs:
            mujoco.mj_step(model, data)
    assert lines(path('first')) == expected
    assert len(lines(path('second'))) == EPISODE // 3 + 1


def loaded_again_and_through_a_symlink_it_is_the_same():
    os.symlink(LIBRARY, path('link.so'))
    mujoco.mj_loadPluginLibrary(LIBRARY)
    mujoco.mj_loadPluginLibrary(path('link.so'))
    model, data = make(path('again'))
    assert play(model, data, path('again')) == expected


def a_copy_of_the_library_leaves_the_plugin_to_the_first():
    shutil.copy(LIBRARY, path('copy.so'))
    mujoco.mj_loadPluginLibrary(path('copy.so'))
    model, data = make(path('copied'))
    assert play(model, data, path('copied')) == expected


class Options(ctypes.Structure):
    _fields_ = [('checkpoint', ctypes.c_char_p), ('controller', ctypes.c_char_p), ('period', ctypes.c_double),
                ('seed', ctypes.c_uint64), ('log', ctypes.c_char_p)]


def callback_set_from_c_drives_what_python_steps():
    library = ctypes.CDLL(LIBRARY)
    library.esp_plugin_error.restype = ctypes.c_char_p
    model = mujoco.MjModel.from_xml_path(SOURCE + '/models/pendulum/scene.xml')
    data, free = mujoco.MjData(model), mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 1)
    mujoco.mj_resetDataKeyframe(model, free, 1)
    options = Options(AGENT.encode(), b'policy', 0.0, 1, path('callback').encode())
    at = ctypes.c_void_p(data._address)
    assert library.esp_plugin_attach(ctypes.c_void_p(model._address), at, ctypes.byref(options)) == 0, \
        library.esp_plugin_error()
    mujoco.mj_step(model, free)
    assert free.ctrl[0] == 0.0
    assert play(model, data, path('callback')) == expected
    library.esp_plugin_detach(at)


def errors_of_mujoco_stay_exceptions_of_python():
    model, data = make(path('errors'))
    mujoco.mj_step(model, data)
    try:
        mujoco.MjModel.from_xml_string('<mujoco><nonsense/></mujoco>')
        raise AssertionError('nonsense was loaded')
    except ValueError as error:
        assert 'nonsense' in str(error)
    try:
        mujoco.mj_loadPluginLibrary('/nix/nothing.so')
        raise AssertionError('nothing was loaded')
    except mujoco.FatalError:
        pass


def earns(log, reward, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(0.2)
        text = open(log).read() if os.path.exists(log) else ''
        whole = text[:text.rfind('\n') + 1].splitlines()
        if whole and json.loads(whole[-1])['reward'] >= reward:
            return True
    return False


def check_window_earns(program, log, environment=()):
    """Runs Python under Xvfb until the log shows the pole up for a whole control step."""
    with open(path('err'), 'w') as err:
        host = subprocess.Popen(['xvfb-run', '-a', '-s', '-screen 0 640x480x24', 'env', *environment,
                                 sys.executable, *program], stdout=err, stderr=err, start_new_session=True)
        try:
            assert earns(log, 8.0), open(path('err')).read()[-2000:]
        finally:
            os.killpg(host.pid, 15)
            host.wait()


def hanging(text):
    """Makes the pole hang at the start of a program that knows no keyframes."""
    text = text.replace('<body name="pole"', '<body name="pole" quat="0 0 1 0"')
    return text.replace('<joint name="hinge"', '<joint name="hinge" ref="3.141592653589793"')


def interactive_viewer_shows_the_plugin_swing_the_pendulum_up():
    with open(path('viewer.xml'), 'w') as file:
        file.write(hanging(scene(path('viewer'))))
    program = ('import sys, mujoco, mujoco.viewer; mujoco.mj_loadPluginLibrary(sys.argv[1]);'
               'mujoco.viewer.launch_from_path(sys.argv[2])')
    check_window_earns(['-c', program, LIBRARY, path('viewer.xml')], path('viewer'))


def interactive_viewer_is_driven_by_the_preloaded_library():
    physics = open(SOURCE + '/models/pendulum/physics.xml').read()
    with open(path('physics.xml'), 'w') as file:
        file.write(hanging(physics))
    shutil.copy(SOURCE + '/models/pendulum/scene.xml', path('scene.xml'))
    check_window_earns(['-m', 'mujoco.viewer', '--mjcf=' + path('scene.xml')], path('preload'),
                       ['LD_PRELOAD=' + LIBRARY, 'ESPALIER_CHECKPOINT=' + AGENT, 'ESPALIER_CONTROLLER=policy',
                        'ESPALIER_LOG=' + path('preload')])


def main():
    print(f'MuJoCo {mujoco.__version__}, Python {sys.version.split()[0]}')
    mujoco.mj_loadPluginLibrary(LIBRARY)
    claims = [engine_plugin_swings_the_pendulum_up, reset_begins_an_episode, copy_resumes_like_the_original,
              two_models_do_not_disturb_each_other, loaded_again_and_through_a_symlink_it_is_the_same,
              a_copy_of_the_library_leaves_the_plugin_to_the_first, callback_set_from_c_drives_what_python_steps,
              errors_of_mujoco_stay_exceptions_of_python]
    if shutil.which('xvfb-run'):
        claims += [interactive_viewer_shows_the_plugin_swing_the_pendulum_up,
                   interactive_viewer_is_driven_by_the_preloaded_library]
    else:
        print('skipped: no viewer without xvfb-run (Debian: apt install xvfb)')
    for claim in claims:
        print(claim.__name__.replace('_', ' '), end=' ... ', flush=True)
        claim()
        print('passed')


try:
    main()
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
