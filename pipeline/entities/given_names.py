"""Given names: which are known, which are one name in several spellings, which tell the sex."""

from __future__ import annotations

from functools import lru_cache

from pipeline.entities.classes import lines
from pipeline.entities.names import plain

# Names that are written in another script, and the usual spellings of each.
_ARABIC_AND_PERSIAN = (
    "mohammed muhammad mohamed mohammad mohamad muhammed mehmet",
    "ahmed ahmad ahmet",
    "yusuf yousef youssef yousuf yusef",
    "hussein husayn hossein hussain husain",
    "hassan hasan",
    "ismail ismael esmail",
    "abdullah abdallah abdulla",
    "osama usama",
    "omar umar",
    "mahmoud mahmud mahmood",
    "mustafa mostafa moustafa",
    "khaled khalid",
    "walid waleed",
    "sulaiman suleiman sulayman soleiman suleyman",
    "ibrahim ebrahim",
    "qassem qasim kassem qasem kasim ghasem gasem qassim",
    "faisal faysal feisal",
    "ayman aiman",
    "saif seif sayf",
    "muammar moammar",
    "yahya yehya",
    "hashem hashim",
    "salem salim",
    "karim kareem",
    "rashid rasheed rachid",
    "majid majeed",
    "hamid hameed",
    "nasser nasir naser",
    "tariq tarek tareq tarik",
    "maher mahir",
    "jamal gamal djamal",
    "hazem hazim",
    "hisham hesham hicham",
    "imad emad",
    "iyad eyad",
    "ihab ehab",
    "osman uthman othman",
    "aisha aysha aicha",
    "fatima fatma fatimah fatemeh",
    "zeinab zainab zaynab",
    "khadija khadijah",
    "leila layla laila",
    "rami ramy",
    "samir sameer",
    "adel adil",
    "amin ameen",
    "anwar anouar",
    "bilal belal",
    "farouk faruq farooq faruk",
    "fouad fuad",
    "haider haidar hayder haydar",
    "haroun harun haroon",
    "jaber jabir",
    "jafar jaafar",
    "kamal kemal",
    "latif lateef",
    "malik malek",
    "mansour mansur",
    "marwan merwan",
    "masoud masud massoud",
    "mehdi mahdi",
    "mohsen mohsin muhsin",
    "mojtaba mujtaba",
    "mokhtar mukhtar moctar",
    "moqtada muqtada moktada",
    "mounir munir",
    "murad mourad",
    "musa mousa moussa",
    "nabil nabeel",
    "naim naeem",
    "najib najeeb",
    "nouri nuri noori",
    "qais kais qays",
    "rafiq rafik rafeeq",
    "ramadan ramzan ramazan",
    "reza rida ridha",
    "riyad riad riyadh",
    "sadiq sadik sadegh sadeq",
    "said saeed sayeed",
    "sayyaf sayaf",
    "shaker shakir",
    "sharif sherif shareef cherif",
    "wael wail",
    "yaqub yaqoob yaqoub yakub",
    "yasin yassin yaseen",
    "yasser yasir yaser",
    "younis yunis yunus younes younus",
    "ziad ziyad",
    "zuhair zouhair",
    "javad jawad",
    "bashar bachar",
    "talal",
    "salman",
    "abbas",
    "ali",
    "taha",
    "saad",
    "saleh salih",
    "salah",
    "hekmat hikmat",
    "rustam rustem",
    "nursultan",
)
_SLAVIC = (
    "vladimir volodymyr wladimir uladzimir",
    "alexander aleksandr alexandr oleksandr aliaksandr alyaksandr aleksander",
    "sergei sergey serhiy serhii sergiy siarhei",
    "dmitry dmitri dmitriy dmytro dzmitry",
    "mikhail mykhailo michail mikheil",
    "nikolai nikolay mykola mikalai",
    "alexei aleksei alexey oleksiy",
    "andrei andrey andriy andrii",
    "igor ihor",
    "oleg oleh",
    "yevgeny evgeny yevgeniy evgeniy yevhen yauhen",
    "pavel pavlo",
    "kirill kyrylo",
    "pyotr petr petro",
    "maxim maksim maksym",
    "artem artyom",
    "gennady gennadiy hennadiy",
    "grigory hryhoriy",
    "anatoly anatoliy anatolii",
    "valery valeriy valerii",
    "yuri yury yuriy yurii iurii",
    "vitaly vitaliy vitalii",
    "georgy georgiy heorhiy",
    "vasily vasiliy vasyl",
    "alexandra aleksandra oleksandra",
    "yulia yuliya iuliia",
    "tatiana tatyana tetiana tetyana",
    "vyacheslav viacheslav",
    "vladislav vladyslav",
    "stanislav stanislau",
    "yaroslav",
    "yevgenia evgenia yevgeniya",
    "ksenia kseniya",
    "natalya nataliya",
    "anastasiya anastasia",
    "darya dariya",
    "ilya illia",
    "fyodor fedor",
    "konstantin kostiantyn",
    "arkady arkadiy",
    "arseny arseniy arsenii",
    "denys denis",
    "bohdan bogdan",
    "taras",
    "ruslan",
    "viktor victor viktar",
)
# The short forms of English names.
_SHORT_FORMS = (
    "joe joseph",
    "bill william will",
    "bob robert rob",
    "mike michael",
    "jim james jimmy",
    "tom thomas tommy",
    "tony anthony",
    "dave david",
    "dan daniel",
    "steve steven stephen",
    "chris christopher",
    "ben benjamin",
    "ken kenneth",
    "ron ronald",
    "don donald",
    "richard dick rick",
    "edward ted ed eddie",
    "jeff jeffrey",
    "matt matthew",
    "nick nicholas",
    "greg gregory",
    "sam samuel",
    "andrew andy",
    "charles charlie",
    "frederick fred",
    "gerald jerry",
    "jacob jake",
    "joshua josh",
    "lawrence larry",
    "louis lou",
    "nathaniel nathan nate",
    "patrick pat",
    "peter pete",
    "philip phillip phil",
    "raymond ray",
    "russell russ",
    "stanley stan",
    "stuart stewart stu",
    "timothy tim",
    "vincent vince",
    "walter walt",
    "zachary zach",
    "elizabeth liz beth",
    "katherine kate catherine kathy cathy",
    "deborah debbie deb",
    "jennifer jen jenny",
    "margaret maggie peggy",
    "pamela pam",
    "rebecca becky",
    "susan sue",
    "victoria vicky",
)
_VARIANT_OF = {
    form: forms.split()[0] for forms in (*_ARABIC_AND_PERSIAN, *_SLAVIC, *_SHORT_FORMS) for form in forms.split()
}
_IN_ARABIC_SCRIPT = frozenset(form for forms in _ARABIC_AND_PERSIAN for form in forms.split())
_OF_SLAVS = frozenset(form for forms in _SLAVIC for form in forms.split())


_WOMEN = frozenset(
    ["aisha", "fatima", "zeinab", "khadija", "leila", "alexandra", "yulia", "tatiana", "yevgenia", "ksenia", "natalya",
     "anastasiya", "darya"]
)  # fmt: skip


def variant_of(given: str) -> str:
    """The form that stands for all spellings and short forms of a normalised given name; itself where none is known."""
    return _VARIANT_OF.get(given, given)


def is_arabic_or_persian(given: str) -> bool:
    """Whether a normalised given name is usually one that is written in the Arabic script."""
    return given in _IN_ARABIC_SCRIPT or given.startswith("abdu")


def is_slavic(given: str) -> bool:
    """Whether a normalised given name is usually a Russian, Ukrainian or Belarusian one."""
    return given in _OF_SLAVS


@lru_cache(maxsize=1)
def _sexes() -> dict[str, str]:
    pairs = (line.partition("\t") for line in lines("first_names.txt"))
    sexes = {form: "f" if variant_of(form) in _WOMEN else "m" for form in _IN_ARABIC_SCRIPT | _OF_SLAVS}
    return {plain(name): sex for name, _, sex in pairs if sex} | sexes


def sex_of(given: str) -> str:
    """m or f, where one sex bears a normalised given name ten times as often; else empty."""
    return _sexes().get(given, "")


@lru_cache(maxsize=1)
def _given_names() -> frozenset[str]:
    return frozenset(plain(line.partition("\t")[0]) for line in lines("first_names.txt")) | frozenset(_VARIANT_OF)


def is_given_name(word: str) -> bool:
    """Whether a normalised word is a known given name."""
    return word in _given_names()
